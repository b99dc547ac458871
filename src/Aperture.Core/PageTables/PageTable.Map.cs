using System.Numerics;
using System.Runtime.CompilerServices;

namespace Aperture.Core.PageTables;

public sealed unsafe partial class PageTable<TFormat>
{
    /// <summary>Maps <paramref name="size"/> bytes at <paramref name="iova"/> to memory at <paramref name="pa"/> with the largest
    /// pages that fit. A failed call leaves nothing mapped; what a walker may have seen meanwhile is in
    /// <paramref name="gather"/>.</summary>
    /// <param name="iova">The first device address.</param>
    /// <param name="pa">The first address in memory.</param>
    /// <param name="size">Bytes; zero maps nothing and succeeds.</param>
    /// <param name="protection">Rights and attributes.</param>
    /// <param name="gather">Collects what has to be invalidated and freed.</param>
    /// <returns><see cref="Status.Ok"/>; <see cref="Status.InvalidArgument"/> for addresses or a size that are no multiple of the
    /// smallest page, or a protection that the format cannot express; <see cref="Status.OutOfRange"/> beyond the format's
    /// addresses; <see cref="Status.AlreadyExists"/> where something is mapped; <see cref="Status.NoMemory"/> without room for a
    /// table; <see cref="Status.BadAddress"/> where the tables are corrupted.</returns>
    public Status Map(Iova iova, PhysicalAddress pa, ulong size, Protection protection, ref InvalidationGather gather)
    {
        CheckMemory();
        var isDone = size == _pageBytes && _format.CheckProtection(protection) == Status.Ok
            && (_format.Levels > 2 ? TryMapOneDeeply(iova.Value, pa.Value, protection) : TryMapOne(iova.Value, pa.Value, protection));
        return isDone ? Status.Ok : MapAll(iova.Value, pa.Value, size, protection, ref gather);
    }

    /// <summary>Maps pages of the smallest size, one behind the other from <paramref name="iova"/> on, to memory that need not follow
    /// each other: what as many calls of <see cref="Map"/> do, each table found once. All or nothing.</summary>
    /// <param name="iova">The first device address.</param>
    /// <param name="pages">Where each page lies in memory.</param>
    /// <param name="protection">Rights and attributes.</param>
    /// <param name="gather">Collects what has to be invalidated and freed.</param>
    /// <returns>As for <see cref="Map"/>.</returns>
    public Status MapPages(Iova iova, ReadOnlySpan<PhysicalAddress> pages, Protection protection, ref InvalidationGather gather)
    {
        CheckMemory();
        var status = CheckInput(iova.Value, (ulong)pages.Length << _pageShift);
        for (var i = 0; i < pages.Length && status == Status.Ok; i++)
        {
            if ((pages[i].Value & _outputMask) != 0)
                status = CheckOutput(pages[i].Value, _pageBytes);
        }

        if (status == Status.Ok)
            status = _format.CheckProtection(protection);

        var before = TableWord.LastLife;
        for (var mapped = 0; mapped < pages.Length && status == Status.Ok;)
        {
            var at = iova.Value + ((ulong)mapped << _pageShift);
            status = MapInTable(at, pages[mapped..], protection, ref gather, out var done);
            if (status != Status.Ok && mapped != 0)
                Remove(iova.Value, (ulong)mapped << _pageShift, Reclaim.NewerThan(before), ref gather, out _);
            mapped += done;
        }

        return status;
    }

    /// <summary>Maps as many of the pages as lie in one table.</summary>
    private Status MapInTable(ulong iova, ReadOnlySpan<PhysicalAddress> pages, Protection protection, ref InvalidationGather gather,
        out int done)
    {
        var level = _pageLevel;
        var copies = 1 << (_pageShift - _pageEntryShift);
        done = Math.Min(pages.Length, ((1 << _format.IndexBits(level)) - Index(level, iova)) / copies);
        var entries = done * copies;
        var status = PinEmpty(iova, level, entries, ref gather, out var table, out var first);
        if (status != Status.Ok)
            return status;

        if (copies == 1)
        {
            for (var i = 0; i < done; i++)
                EntryRun.Store(first + (i * _format.EntryBytes), _format.EntryBytes,
                    _format.MakeLeaf(level, SmallestShift, pages[i], protection));
        }
        else
        {
            for (var i = 0; i < done; i++)
                WriteLeaves(first + (i * copies * _format.EntryBytes), level, SmallestShift, 1, copies, pages[i].Value, protection);
        }

        Finish(table, level, first, entries, ref gather);
        return Status.Ok;
    }

    /// <summary>Maps one page of the smallest size into a table below the root: <see cref="MapRun"/> with everything constant.</summary>
    /// <returns>False when it is not as simple as that; nothing was done.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryMapOne(ulong iova, ulong pa, Protection protection)
    {
        if (!IsInputPage(iova) || (pa & _outputMask) != 0 || _pageLevel != 1)
            return false;
        var link = EntryOf(_root, 0, iova);
        var entry = Load(link);
        if (_format.Classify(0, entry) != EntryKind.Table || !TryGetAtHome(0, entry, out var offset))
            return false;

        // The table was linked while it lived this life, and the entry empty; so it is the right one for as long as the word does
        // not change.
        var word = _home.WordAt(offset);
        var seen = new TableWord(Volatile.Read(ref *word));
        var place = _home.Bytes + offset + (Index(1, iova) * _format.EntryBytes);
        if (!seen.IsReady || Load(link) != entry || Load(place) != _format.EmptyEntry(1)
            || !TryChange(word, seen, seen.Add(1)))
        {
            return false;
        }

        EntryRun.Store(place, _format.EntryBytes, _format.MakeLeaf(1, SmallestShift, new PhysicalAddress(pa), protection));
        CleanOne(place);
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private Status MapAll(ulong iova, ulong pa, ulong size, Protection protection, ref InvalidationGather gather)
    {
        var status = CheckInput(iova, size);
        if (status == Status.Ok)
            status = CheckOutput(pa, size);
        if (status == Status.Ok)
            status = _format.CheckProtection(protection);
        if (status != Status.Ok)
            return status;

        ulong mapped = 0;
        var before = TableWord.LastLife;
        while (mapped < size)
        {
            status = MapRun(iova + mapped, pa + mapped, size - mapped, protection, ref gather, out var done);
            if (status != Status.Ok)
            {
                if (mapped != 0)
                    Remove(iova, mapped, Reclaim.NewerThan(before), ref gather, out _);
                return status;
            }

            mapped += done;
        }

        return Status.Ok;
    }

    /// <summary>Maps the longest run of pages of one size that lies in one table.</summary>
    private Status MapRun(ulong iova, ulong pa, ulong size, Protection protection, ref InvalidationGather gather, out ulong done)
    {
        var shift = ChoosePage(iova, pa, size, out var pages);
        var level = _format.LevelOfPage(shift);
        var copiesShift = shift - _format.Shift(level);
        var room = ((1 << _format.IndexBits(level)) - Index(level, iova)) >> copiesShift;
        var count = (int)Math.Min(pages, (ulong)room);
        var entries = count << copiesShift;
        done = (ulong)count << shift;

        var status = PinEmpty(iova, level, entries, ref gather, out var table, out var first);
        if (status != Status.Ok)
            return status;

        WriteLeaves(first, level, shift, count, 1 << copiesShift, pa, protection);
        Finish(table, level, first, entries, ref gather);
        return Status.Ok;
    }

    /// <summary>Pins the table that covers an address and makes sure that the entries which are about to be stored are empty.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Status PinEmpty(ulong iova, int level, int entries, ref InvalidationGather gather, out Table table, out byte* first)
    {
        first = null;
        var status = Pin(iova, level, (uint)entries, ref gather, out table);
        if (status != Status.Ok)
            return status;
        first = EntryOf(table, level, iova);
        return EntryRun.CountMatching(first, _format.EntryBytes, entries, ulong.MaxValue, _format.EmptyEntry(level)) == entries
            ? Status.Ok : PrepareRun(iova, table, level, first, entries, ref gather);
    }

    /// <summary>What follows when entries were stored.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Finish(Table table, int level, byte* first, int entries, ref InvalidationGather gather)
    {
        Clean(table, first, entries);
        if (_format.EmptyEntry(level) != 0)
            gather.TablesChanged = true; // what meant "nothing" was a link, and a unit may remember it
    }

    /// <summary>The largest page that divides both addresses and fits, and how many of them come before a larger one can start.</summary>
    private int ChoosePage(ulong iova, ulong pa, ulong size, out ulong pages)
    {
        pages = 1;
        if (size == SmallestPage)
            return SmallestShift;

        var both = iova | pa;
        var sizes = _sizes & (ulong.MaxValue >> BitOperations.LeadingZeroCount(size));
        if (both != 0)
            sizes &= both ^ (both - 1);
        var shift = BitOperations.Log2(sizes);
        pages = size >> shift;

        var larger = _sizes & ~(ulong.MaxValue >> (63 - shift));
        if (larger == 0)
            return shift;
        var next = larger & (~larger + 1);
        if (((iova ^ pa) & (next - 1)) != 0)
            return shift;
        var offset = next - (iova & (next - 1));
        if (offset + next >= offset && offset + next <= size)
            pages = offset >> shift;
        return shift;
    }

    /// <summary>Stores the leaves of consecutive pages. Nearly every format's entries are then a linear sequence.</summary>
    private void WriteLeaves(byte* first, int level, int shift, int count, int copies, ulong pa, Protection protection)
    {
        var width = _format.EntryBytes;
        var leaf = _format.MakeLeaf(level, shift, new PhysicalAddress(pa), protection);
        var replicaStep = copies > 1 ? _format.ReplicaStep(level, shift) : 0;
        if ((copies == 1 || replicaStep != 0) && count > 1)
        {
            var step = copies == 1 ? _format.MakeLeaf(level, shift, new PhysicalAddress(pa + (1UL << shift)),
                protection) - leaf : replicaStep;
            var last = _format.MakeLeaf(level, shift, new PhysicalAddress(pa + ((ulong)(count - 1) << shift)), protection);
            if (leaf + (step * (ulong)((count - 1) * copies)) == last)
            {
                EntryRun.FillLinear(first, width, count * copies, leaf, step);
                return;
            }
        }

        for (var page = 0; page < count; page++)
        {
            leaf = _format.MakeLeaf(level, shift, new PhysicalAddress(pa + ((ulong)page << shift)), protection);
            if (replicaStep == 0)
                EntryRun.Fill(first + (page * copies * width), width, copies, leaf);
            else
                EntryRun.FillLinear(first + (page * copies * width), width, copies, leaf, replicaStep);
        }
    }

    /// <summary>Makes room where entries are not all empty, and corrects the count of the table: links that went, or on failure
    /// the entries that will not be stored.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Status PrepareRun(ulong iova, Table table, int level, byte* first, int entries, ref InvalidationGather gather)
    {
        var status = ClearWay(table, level, first, entries, ref gather, out var links);
        Release(iova, level, table, status == Status.Ok ? links : links + (uint)entries, Reclaim.Usual, ref gather);
        return status;
    }

    /// <summary>Makes room for pages where entries are not all empty: tables without a leaf are taken out of the way.</summary>
    /// <param name="table">The table that holds the entries.</param>
    /// <param name="level">Its level.</param>
    /// <param name="first">The first entry.</param>
    /// <param name="entries">How many.</param>
    /// <param name="gather">Takes the tables.</param>
    /// <param name="links">Number of links that were removed, also in case of failure.</param>
    private Status ClearWay(Table table, int level, byte* first, int entries, ref InvalidationGather gather, out uint links)
    {
        links = 0;
        var width = _format.EntryBytes;
        for (var i = 0; i < entries; i++)
        {
            var entry = Load(first + (i * width));
            var kind = _format.Classify(level, entry);
            if (kind == EntryKind.Leaf)
                return Status.AlreadyExists;
            if (kind == EntryKind.Empty)
                continue;
            if (!TryGetTable(level, entry, out var child) || child.State is { IsAlive: false, IsDead: false })
                return Status.BadAddress;
            if (!HoldsNoLeaf(child, level + 1))
                return Status.AlreadyExists;
        }

        var status = Status.Ok;
        for (var i = 0; i < entries && status == Status.Ok; i++)
        {
            var place = first + (i * width);
            var entry = Load(place);
            if (_format.Classify(level, entry) != EntryKind.Table || !TryGetTable(level, entry, out var child))
                continue;
            if (TryKill(child, level + 1, ref gather))
            {
                EntryRun.TryReplace(place, width, entry, _format.EmptyEntry(level));
                links++;
            }
            else if (child.State is { IsDead: true } dead)
            {
                HelpUnlink(table, place, entry, level, child, dead);
            }
            else
            {
                status = child.State.IsAlive ? Status.AlreadyExists : Status.BadAddress;
            }
        }

        if (links != 0)
        {
            gather.TablesChanged = true;
            Clean(table, first, entries);
        }

        return status;
    }
}
