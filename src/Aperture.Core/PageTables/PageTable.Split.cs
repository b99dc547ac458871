using System.Numerics;

namespace Aperture.Core.PageTables;

public sealed unsafe partial class PageTable<TFormat>
{
    /// <summary>Splits the page that <paramref name="entry"/> maps one or two steps towards the pages that removing
    /// [<paramref name="iova"/>, <paramref name="last"/>] needs: a page of several entries into pages of one entry, and the page of
    /// one entry into a table of the largest pages of the next level. Every mapping and attribute stays. The table is allocated
    /// before anything changes.</summary>
    /// <remarks>Each size that a walker may have seen at the place goes to the gather.</remarks>
    private Status Split(Table table, int level, ulong entry, ulong iova, ulong last, ref InvalidationGather gather)
    {
        var shift = _format.LeafShift(level, entry);
        var entryShift = _format.Shift(level);
        var entrySize = 1UL << entryShift;
        if ((_sizes & entrySize) == 0)
            return SplitUnevenly(table, level, entry, iova, ref gather);
        var block = iova & ~(entrySize - 1);
        var needsTable = iova != block || last < block + (entrySize - 1);
        Table child = default;
        if (needsTable && !TryNewTable(level + 1, out child))
            return Status.NoMemory;

        var whole = entry;
        if (shift > entryShift)
        {
            SplitInPlace(table, level, entry, iova, shift, needsTable ? entryShift : PageBelow(shift), ref gather);
            whole = Load(EntryOf(table, level, iova));
        }

        if (needsTable)
            SplitIntoTable(table, level, whole, block, child, ref gather);
        return Status.Ok;
    }

    /// <summary>Splits where no page takes one entry: into the smallest pages of the level, and those into one table for each
    /// entry.</summary>
    private Status SplitUnevenly(Table table, int level, ulong entry, ulong iova, ref InvalidationGather gather)
    {
        var shift = _format.LeafShift(level, entry);
        var entryShift = _format.Shift(level);
        var smallest = BitOperations.TrailingZeroCount(_sizes & (ulong.MaxValue << entryShift));
        if (shift > smallest)
        {
            SplitInPlace(table, level, entry, iova, shift, smallest, ref gather);
            return Status.Ok;
        }

        var children = new Table[1 << (shift - entryShift)];
        for (var i = 0; i < children.Length; i++)
        {
            if (TryNewTable(level + 1, out children[i]))
                continue;
            for (var k = 0; k < i; k++)
                Discard(children[k], level + 1);
            return Status.NoMemory;
        }

        var page = iova & ~((1UL << shift) - 1);
        for (var i = 0; i < children.Length; i++)
        {
            var block = page + ((ulong)i << entryShift);
            SplitIntoTable(table, level, Load(EntryOf(table, level, block)), block, children[i], ref gather);
        }

        return Status.Ok;
    }

    private bool IsPage(int level, ulong entry, int shift) => _format.Classify(level, entry) == EntryKind.Leaf && _format.LeafShift(level,
        entry) == shift;

    /// <summary>Log2 of the largest page that is smaller than one.</summary>
    private int PageBelow(int shift) => BitOperations.Log2(_sizes & ((1UL << shift) - 1));

    /// <summary>Writes smaller pages over the copies of a large one. Compare-and-swap, because another thread may be
    /// splitting the same page for another part of it and be ahead.</summary>
    private void SplitInPlace(Table table, int level, ulong entry, ulong iova, int shift, int smaller, ref InvalidationGather gather)
    {
        var width = _format.EntryBytes;
        var entryShift = _format.Shift(level);
        var first = EntryOf(table, level, iova & ~((1UL << shift) - 1));
        var entries = 1 << (shift - entryShift);
        var page = _format.LeafAddress(level, entry);
        for (var i = 0; i < entries && !_format.IsDirty(level, entry); i++)
        {
            // The hardware marks one of the entries as written, and means the page.
            if (Load(first + (i * width)) is var other && IsPage(level, other, shift))
                entry = other;
        }

        var protection = _format.LeafProtection(level, entry);
        var copies = 1 << (smaller - entryShift);
        var step = copies > 1 ? _format.ReplicaStep(level, smaller) : 0;
        for (var i = 0; i < entries; i++)
        {
            var offset = (ulong)(i & -copies) << entryShift;
            var leaf = _format.MakeLeaf(level, smaller, page + offset, protection) + (step * (ulong)(i & (copies - 1)));
            var place = first + (i * width);
            ulong now;
            do
            {
                now = Load(place);
            }
            while (IsPage(level, now, shift) && !EntryRun.TryReplace(place, width, now, leaf));
        }

        Clean(table, first, entries);
        gather.Add(new Iova(iova & ~((1UL << shift) - 1)), 1UL << shift, shift);
    }

    /// <summary>Puts a table of smaller pages in the place of one entry of a page. If another thread was first its table stays.</summary>
    private void SplitIntoTable(Table table, int level, ulong entry, ulong block, Table child, ref InvalidationGather gather)
    {
        var place = EntryOf(table, level, block);
        var below = level + 1;
        if (_format.Classify(level, entry) != EntryKind.Leaf)
        {
            Discard(child, below);
            return;
        }

        var pageShift = _format.LeafShift(level, entry);
        var shift = PageBelow(_format.Shift(level));
        var entries = 1 << _format.IndexBits(below);
        var copies = 1 << (shift - _format.Shift(below));
        var address = _format.LeafAddress(level, entry) + (block & ((1UL << pageShift) - 1));
        WriteLeaves(child.Bytes, below, shift, entries / copies, copies, address.Value, _format.LeafProtection(level, entry));
        SetTag(child, below, block);
        Volatile.Write(ref *child.Word, TableWord.Start((uint)entries).Value);
        Clean(child, child.Bytes, entries);
        if (!EntryRun.TryReplace(place, _format.EntryBytes, entry, _format.MakeTable(level, child.Address)))
        {
            Discard(child, below);
            return;
        }

        CleanLink(table, place, child, child.State);
        gather.TablesChanged = true;
        gather.Add(new Iova(block), 1UL << _format.Shift(level), pageShift);
    }
}
