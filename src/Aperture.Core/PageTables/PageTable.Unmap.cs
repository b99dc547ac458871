using System.Runtime.CompilerServices;

namespace Aperture.Core.PageTables;

public sealed unsafe partial class PageTable<TFormat>
{
    /// <summary>Removes what is mapped from <paramref name="iova"/> on, up to <paramref name="size"/> bytes or to the first hole.
    /// A page of which only a part goes is split; the rest of it stays mapped as it was.</summary>
    /// <param name="iova">The first device address.</param>
    /// <param name="size">Bytes.</param>
    /// <param name="gather">Collects what has to be invalidated and freed: of a page that was split its whole range, and each range
    /// removed.</param>
    /// <param name="unmapped">Bytes removed, exactly.</param>
    /// <returns><see cref="Status.Ok"/>, also when there was a hole; <see cref="Status.InvalidArgument"/> and
    /// <see cref="Status.OutOfRange"/> as for <see cref="Map"/>; <see cref="Status.NoMemory"/> when there is no table to split a
    /// page into, which then stays whole; <see cref="Status.BadAddress"/> where the tables are corrupted.</returns>
    public Status Unmap(Iova iova, ulong size, ref InvalidationGather gather, out ulong unmapped)
    {
        CheckMemory();
        unmapped = size;
        var isDone = size == _pageBytes && (_format.Levels > 2 ? TryRemoveOneDeeply(iova.Value, ref gather) : TryRemoveOne(iova.Value,
            ref gather));
        return isDone ? Status.Ok : UnmapAll(iova.Value, size, ref gather, out unmapped);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private Status UnmapAll(ulong iova, ulong size, ref InvalidationGather gather, out ulong unmapped)
    {
        unmapped = 0;
        var status = CheckInput(iova, size);
        return status == Status.Ok ? Remove(iova, size, Reclaim.Within(iova, iova + (size - 1)), ref gather, out unmapped) : status;
    }

    /// <summary>Removes one page of the smallest size from a table below the root: <see cref="Remove"/> with everything constant.</summary>
    /// <returns>False when it is not as simple as that; nothing was done.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryRemoveOne(ulong iova, ref InvalidationGather gather)
    {
        if (!IsInputPage(iova) || _pageLevel != 1)
            return false;
        var link = EntryOf(_root, 0, iova);
        var entry = Load(link);
        if (_format.Classify(0, entry) != EntryKind.Table || !TryGetAtHome(0, entry, out var offset))
            return false;
        var place = _home.Bytes + offset + (Index(1, iova) * _format.EntryBytes);
        var leaf = Load(place);
        var word = _home.WordAt(offset);
        var seen = new TableWord(Volatile.Read(ref *word));
        if ((leaf & _leafMask) != _leafValue || !seen.IsReady || Load(link) != entry)
            return false;

        EntryRun.Store(place, _format.EntryBytes, _format.EmptyEntry(1));
        CleanOne(place);
        gather.Add(new Iova(iova), _pageBytes, _pageShift);
        if (!TryReleaseOne(word, seen))
            ReleaseOne(iova, 1, entry, ref gather);
        return true;
    }

    private Status Remove(ulong iova, ulong size, in Reclaim reclaim, ref InvalidationGather gather, out ulong removed)
    {
        removed = 0;
        while (removed < size)
        {
            var at = iova + removed;
            var status = FindLeaf(at, out var table, out var level, out var entry);
            if (status != Status.Ok)
                return status == Status.NotFound ? Status.Ok : status;

            var shift = _format.LeafShift(level, entry);
            var left = size - removed;
            if ((at & ((1UL << shift) - 1)) != 0 || left >> shift == 0)
            {
                status = Split(table, level, entry, at, at + left - 1, ref gather);
                if (status != Status.Ok)
                    return status;
                continue;
            }

            removed += RemoveRun(table, level, shift, at, left, reclaim, ref gather);
        }

        return Status.Ok;
    }

    /// <summary>Removes the pages of one size that follow each other in one table.</summary>
    private ulong RemoveRun(Table table, int level, int shift, ulong iova, ulong size, in Reclaim reclaim, ref InvalidationGather gather)
    {
        var width = _format.EntryBytes;
        var entryShift = _format.Shift(level);
        var copies = 1 << (shift - entryShift);
        var index = Index(level, iova);
        var entries = (int)Math.Min(size >> shift << (shift - entryShift), (ulong)((1 << _format.IndexBits(level)) - index));
        var first = table.Bytes + (index * width);
        if (entries > 1)
        {
            _format.LeafPattern(level, shift, out var mask, out var value);
            entries = Math.Max(EntryRun.CountMatching(first, width, entries, mask, value) & -copies, copies);
            EntryRun.Fill(first, width, entries, _format.EmptyEntry(level));
        }
        else
        {
            EntryRun.Store(first, width, _format.EmptyEntry(level));
        }

        Clean(table, first, entries);
        var bytes = (ulong)entries << entryShift;
        gather.Add(new Iova(iova), bytes, shift);
        Release(iova, level, table, (uint)entries, reclaim, ref gather);
        return bytes;
    }

    /// <summary>Finds the leaf that maps an address, in a table that was linked and alive when the leaf was read.</summary>
    /// <returns><see cref="Status.NotFound"/> where there is a hole, <see cref="Status.BadAddress"/> where the tables are
    /// corrupted.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Status FindLeaf(ulong iova, out Table table, out int level, out ulong entry)
    {
        while (true)
        {
            table = Top(out level);
            if (Grows && !Reaches(level, iova))
            {
                entry = 0;
                return Status.NotFound;
            }

            var parent = table;
            var link = (byte*)null;
            ulong linkEntry = 0;
            while (true)
            {
                var place = EntryOf(table, level, iova);
                entry = Load(place);
                var kind = _format.Classify(level, entry);
                if (kind == EntryKind.Empty)
                    return Status.NotFound;
                if (kind == EntryKind.Leaf)
                    break;
                parent = table;
                if (!TryGetTable(level, entry, out table))
                    return Status.BadAddress;
                link = place;
                linkEntry = entry;
                level++;
            }

            if (link == null)
                return Status.Ok;

            // A leaf of the caller's own range keeps its table alive. Anything else was read from a table that went meanwhile,
            // or from memory that is no table.
            var word = table.State;
            if (word.IsAlive && Load(link) == linkEntry)
            {
                if (!word.IsReady)
                    CleanLink(parent, link, table, word);
                return Status.Ok;
            }

            if (word.IsDead)
                return Status.NotFound;
            if (!word.IsAlive && Load(link) == linkEntry && table.State.Value == word.Value)
                return Status.BadAddress;
        }
    }
}
