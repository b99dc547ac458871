using System.Runtime.CompilerServices;

namespace Aperture.Core.PageTables;

/// <content>One page of the smallest size where several tables lie one below the other.</content>
public sealed unsafe partial class PageTable<TFormat>
{
    private const int RecentTables = 16;

    private static long s_numbers; // page tables made

    private readonly ulong _number; // of this page table, and the level of the smallest page: part of the tag of every such table
    private readonly int _pageLevel; // of the smallest page
    private readonly int _pageShift; // log2 of that page
    private readonly ulong _pageBytes; // bytes of it
    private readonly ulong _inputRoom; // the last device address, counted from InputStart
    private readonly ulong _outputMask; // bits that are zero in the address of such a page in memory
    private readonly ulong _leafMask; // how a leaf of such a page is told from all else
    private readonly ulong _leafValue;
    private readonly int _pageEntryShift; // log2 of what an entry of that level covers
    private readonly ulong _pageEntryMask; // the largest index in a table of that level
    private readonly int _spanShift; // log2 of what a table of that level covers; 0 where there are no recent tables
    private Recent _recent; // where tables were found lately; only a hint

    /// <summary><see cref="TryMapOne"/> for any number of levels.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryMapOneDeeply(ulong iova, ulong pa, Protection protection)
    {
        if (!IsInputPage(iova) || (pa & _outputMask) != 0)
            return false;
        var found = FindRecent(iova);
        if (!found.IsThere)
            found = FindByWalk(iova);

        // The table was linked while it lived this life, and the entry empty.
        var place = PageEntry(iova, found.Offset);
        if (!found.IsThere || Load(place) != _format.EmptyEntry(_pageLevel)
            || !TryChange(_home.WordAt(found.Offset), found.Seen, found.Seen.Add(1)))
        {
            return false;
        }

        EntryRun.Store(place, _format.EntryBytes, _format.MakeLeaf(_pageLevel, _pageShift, new PhysicalAddress(pa), protection));
        CleanOne(place);
        return true;
    }

    /// <summary><see cref="TryRemoveOne"/> for any number of levels.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryRemoveOneDeeply(ulong iova, ref InvalidationGather gather)
    {
        if (!IsInputPage(iova))
            return false;
        var found = FindRecent(iova);
        if (!found.IsThere)
            found = FindByWalk(iova);
        var place = PageEntry(iova, found.Offset);
        if (!found.IsThere || (Load(place) & _leafMask) != _leafValue)
            return false;

        EntryRun.Store(place, _format.EntryBytes, _format.EmptyEntry(_pageLevel));
        CleanOne(place);
        gather.Add(new Iova(iova), _pageBytes, _pageShift);
        if (!TryReleaseOne(_home.WordAt(found.Offset), found.Seen))
            ReleaseOneDeeply(iova, found.Offset, ref gather);
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ReleaseOneDeeply(ulong iova, ulong offset, ref InvalidationGather gather) =>
        Release(iova, _pageLevel, new Table(_home.AddressOf(_home.Bytes + offset), _home.Bytes + offset, _home.WordAt(offset)), 1,
            Reclaim.Usual, ref gather);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* PageEntry(ulong iova, ulong offset) => _home.Bytes + offset
        + ((iova >> _pageEntryShift & _pageEntryMask) * (ulong)_format.EntryBytes);

    /// <summary>Writes into the metadata behind a new table's word which table it is: of which page table, of which level, for which
    /// addresses. Whoever finds it alive with this tag needs no walk: what is alive is linked.</summary>
    private void SetTag(Table table, int level, ulong iova)
    {
        if (level != _pageLevel || _spanShift == 0)
            return;
        Volatile.Write(ref table.Word[1], iova >> _spanShift);
        Volatile.Write(ref table.Word[2], _number);
    }

    /// <summary>Finds the table of the smallest pages that covers an address where one of these addresses was found lately.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Found FindRecent(ulong iova)
    {
        var tag = iova >> _spanShift;
        var offset = _recent[(int)tag & (RecentTables - 1)];
        var word = _home.WordAt(offset);
        var seen = Volatile.Read(ref *word); // before the tag: in a later life it may be another
        return Volatile.Read(ref word[2]) == _number && Volatile.Read(ref word[1]) == tag ? new Found(offset, seen) : default;
    }

    /// <summary>Finds the table of the smallest pages that covers an address, and remembers it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Found FindByWalk(ulong iova)
    {
        var deaths = Volatile.Read(ref _deaths);
        if (!TryFindAtHome(iova, _pageLevel, out var link, out var entry, out var offset))
            return default;
        var found = new Found(offset, Volatile.Read(ref *_home.WordAt(offset)));
        if (!found.IsThere || Load(link) != entry || Volatile.Read(ref _deaths) != deaths)
            return default; // a table died, perhaps one on the way

        if (_spanShift != 0)
            _recent[(int)(iova >> _spanShift) & (RecentTables - 1)] = offset;
        return found;
    }

    /// <summary>Finds the table of a level below the root that covers an address, if all the tables on the way are where nearly all
    /// are.</summary>
    /// <param name="iova">The address.</param>
    /// <param name="level">The level.</param>
    /// <param name="link">The entry above that links to the table.</param>
    /// <param name="entry">What it held.</param>
    /// <param name="offset">Where the table is at home.</param>
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

    /// <summary>Where a table is at home, and its word as it was while the table was surely the right one; none while that is not
    /// ready.</summary>
    private readonly struct Found(ulong offset, ulong seen)
    {
        public readonly ulong Offset = offset;
        private readonly ulong _seen = seen;

        public TableWord Seen => new(_seen);

        public bool IsThere => Seen.IsReady;
    }

    [InlineArray(RecentTables)]
    private struct Recent
    {
        private ulong _first; // offset at home; where nothing was found yet the first frame, which no tag names by mistake
    }
}
