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
        var block = iova & ~(entrySize - 1);
        var needsTable = iova != block || last < block + (entrySize - 1);
        Table child = default;
        if (needsTable && !TryNewTable(level + 1, out child))
            return Status.NoMemory;

        var whole = entry;
        if (shift > entryShift)
        {
            var smaller = needsTable ? entryShift : BitOperations.Log2(_format.PageSizes & ((1UL << shift) - 1));
            SplitInPlace(table, level, entry, iova, shift, smaller);
            whole = Load(EntryOf(table, level, iova));
            gather.Add(new Iova(iova & ~((1UL << shift) - 1)), 1UL << shift, shift);
        }

        if (needsTable)
        {
            SplitIntoTable(table, level, whole, iova, child, ref gather);
            gather.Add(new Iova(block), entrySize, entryShift);
        }

        return Status.Ok;
    }

    /// <summary>Writes smaller pages over the copies of a large one. Compare-and-swap, because another thread may be
    /// splitting the same page for another part of it and be ahead.</summary>
    private void SplitInPlace(Table table, int level, ulong entry, ulong iova, int shift, int smaller)
    {
        var width = _format.EntryBytes;
        var entryShift = _format.Shift(level);
        var first = EntryOf(table, level, iova & ~((1UL << shift) - 1));
        var page = _format.LeafAddress(level, entry);
        var protection = _format.LeafProtection(level, entry);
        var entries = 1 << (shift - entryShift);
        for (var i = 0; i < entries; i++)
        {
            var offset = (ulong)i << entryShift & ~((1UL << smaller) - 1);
            EntryRun.TryReplace(first + (i * width), width, entry, _format.MakeLeaf(level, smaller, page + offset, protection));
        }

        Clean(table, first, entries);
    }

    /// <summary>Puts a table of smaller pages in the place of a page of one entry. If another thread was first its table stays.</summary>
    private void SplitIntoTable(Table table, int level, ulong entry, ulong iova, Table child, ref InvalidationGather gather)
    {
        var place = EntryOf(table, level, iova);
        if (_format.Classify(level, entry) != EntryKind.Leaf || _format.LeafShift(level, entry) != _format.Shift(level))
        {
            Discard(child, level + 1);
            return;
        }

        var below = level + 1;
        var shift = BitOperations.Log2(_format.PageSizes & ((1UL << _format.Shift(level)) - 1));
        var entries = 1 << _format.IndexBits(below);
        var copies = 1 << (shift - _format.Shift(below));
        WriteLeaves(child.Bytes, below, shift, entries / copies, copies, _format.LeafAddress(level, entry).Value, _format.LeafProtection(level, entry));
        Volatile.Write(ref *child.Word, TableWord.Start((uint)entries).Value);
        Clean(child, child.Bytes, entries);
        if (!EntryRun.TryReplace(place, _format.EntryBytes, entry, _format.MakeTable(level, child.Address)))
        {
            Discard(child, below);
            return;
        }

        Clean(table, place, 1);
        gather.TablesChanged = true;
    }
}
