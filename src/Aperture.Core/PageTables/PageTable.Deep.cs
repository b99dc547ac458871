using System.Runtime.CompilerServices;

namespace Aperture.Core.PageTables;

/// <content>One page of the smallest size where several tables lie one below the other.</content>
public sealed unsafe partial class PageTable<TFormat>
{
    /// <summary><see cref="TryMapOne"/> for any number of levels.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryMapOneDeeply(ulong iova, ulong pa, Protection protection)
    {
        var shift = SmallestShift;
        var level = _format.LevelOfPage(shift);
        var deaths = Volatile.Read(ref _deaths);
        if (!TryFindAtHome(iova, level, out var link, out var entry, out var offset))
            return false;

        // No table died, so that each was linked to the next; the rest as in two levels.
        var word = _home.WordAt(offset);
        var seen = new TableWord(Volatile.Read(ref *word));
        var place = _home.Bytes + offset + (Index(level, iova) * _format.EntryBytes);
        if (!seen.IsReady || Load(link) != entry || Load(place) != _format.EmptyEntry(level) || Volatile.Read(ref _deaths) != deaths
            || Interlocked.CompareExchange(ref *word, seen.Add(1).Value, seen.Value) != seen.Value)
        {
            return false;
        }

        EntryRun.Store(place, _format.EntryBytes, _format.MakeLeaf(level, shift, new PhysicalAddress(pa), protection));
        _tables.Clean(_home.AddressOf(place), _format.EntryBytes);
        return true;
    }

    /// <summary><see cref="TryRemoveOne"/> for any number of levels.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryRemoveOneDeeply(ulong iova, ref InvalidationGather gather)
    {
        var shift = SmallestShift;
        var level = _format.LevelOfPage(shift);
        var deaths = Volatile.Read(ref _deaths);
        if (!TryFindAtHome(iova, level, out var link, out var entry, out var offset))
            return false;
        var place = _home.Bytes + offset + (Index(level, iova) * _format.EntryBytes);
        var leaf = Load(place);
        var word = _home.WordAt(offset);
        var seen = new TableWord(Volatile.Read(ref *word));
        if (_format.Classify(level, leaf) != EntryKind.Leaf || _format.LeafShift(level, leaf) != shift
            || !seen.IsReady || Load(link) != entry || Volatile.Read(ref _deaths) != deaths)
        {
            return false;
        }

        EntryRun.Store(place, _format.EntryBytes, _format.EmptyEntry(level));
        _tables.Clean(_home.AddressOf(place), _format.EntryBytes);
        gather.Add(new Iova(iova), 1UL << shift, shift);
        if (!TryReleaseOne(word, seen))
            ReleaseOne(iova, level, entry, ref gather);
        return true;
    }

    /// <summary>Finds the table of a level below the root that covers an address, if all the tables on the way are where nearly all are.</summary>
    /// <param name="iova">The address.</param>
    /// <param name="level">The level.</param>
    /// <param name="link">The entry above that links to the table.</param>
    /// <param name="entry">What it held.</param>
    /// <param name="offset">Where the table is at home.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryFindAtHome(ulong iova, int level, out byte* link, out ulong entry, out ulong offset)
    {
        link = null;
        entry = offset = 0;
        var bytes = _root.Bytes;
        var at = 0;
        if (Grows)
        {
            var top = Volatile.Read(ref _top);
            at = (int)(top & LevelMask);
            offset = (top & ~LevelMask) - _home.Start;
            if (!Reaches(at, iova) || offset > _home.Room)
                return false;
            bytes = _home.Bytes + offset;
        }

        if (at >= level)
            return false;
        while (true)
        {
            link = bytes + (Index(at, iova) * _format.EntryBytes);
            entry = Load(link);
            if (_format.Classify(at, entry) != EntryKind.Table || !TryGetAtHome(at, entry, out offset))
                return false;
            if (++at == level)
                return true;
            bytes = _home.Bytes + offset;
        }
    }
}
