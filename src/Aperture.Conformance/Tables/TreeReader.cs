using Aperture.Conformance.Vectors;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Core.PageTables;

namespace Aperture.Conformance.Tables;

/// <summary>Reads tables of any depth as plain data, by the rules of a format and nothing else.</summary>
/// <param name="format">The format.</param>
/// <param name="memory">Where the tables are.</param>
/// <param name="root">The first table.</param>
/// <param name="top">Its level.</param>
public class TreeReader(IPageTableFormat format, PhysicalMemory memory, ulong root, int top)
{
    /// <summary>The first table.</summary>
    public ulong Root => root;

    /// <summary>Its level.</summary>
    public int Top => top;

    /// <summary>The first device address that the first table is about.</summary>
    public ulong Start => format.InputBits < 64 ? format.InputStart & (ulong.MaxValue << format.InputBits) : 0;

    /// <summary>Entries of a table of a level.</summary>
    public int Entries(int level) => 1 << format.IndexBits(level);

    /// <summary>An entry.</summary>
    public ulong Word(ulong table, int index) =>
        RecordedMemory.Read(memory.Span(new PhysicalAddress(table + (ulong)(index * format.EntryBytes)), format.EntryBytes));

    /// <summary>What an entry is. A link to where no memory is counts as empty.</summary>
    public EntryKind Kind(int level, ulong word)
    {
        var kind = format.Classify(level, word);
        return kind == EntryKind.Table
            && !memory.Contains(format.TableAddress(level, word), (ulong)(Entries(level + 1) * format.EntryBytes)) ? EntryKind.Empty : kind;
    }

    /// <summary>Whether nothing is mapped through a table.</summary>
    public bool HoldsNoLeaf(ulong table, int level)
    {
        for (var i = 0; i < Entries(level); i++)
        {
            var word = Word(table, i);
            var kind = Kind(level, word);
            if (kind == EntryKind.Leaf || (kind == EntryKind.Table && !HoldsNoLeaf(format.TableAddress(level, word).Value, level + 1)))
                return false;
        }

        return true;
    }

    /// <summary>All leaves, lowest first.</summary>
    public List<TableLeaf> Leaves() => LeavesWithin(0, ulong.MaxValue);

    /// <summary>The leaves of a range, lowest first.</summary>
    /// <param name="first">The first device address, a multiple of the largest page.</param>
    /// <param name="last">The last one, the last of a largest page.</param>
    public List<TableLeaf> LeavesWithin(ulong first, ulong last)
    {
        var leaves = new List<TableLeaf>();
        AddLeaves(leaves, root, top, Start, first, last);
        return leaves;
    }

    /// <summary>The tables that serve a range, each before those below it.</summary>
    public IEnumerable<(ulong Address, int Bytes)> Tables(ulong first, ulong last) => Tables(root, top, Start, first, last);

    /// <summary>Where a device address leads, or null.</summary>
    public TableLeaf? Find(ulong iova)
    {
        if (iova < format.InputStart || (format.InputBits < 64 && iova > (format.InputStart | (ulong.MaxValue >> (64 - format.InputBits)))))
            return null;
        var above = format.Shift(top) + format.IndexBits(top);
        if (above < 64 && (iova - Start) >> above != 0)
            return null;
        var table = root;
        for (var level = top; ; level++)
        {
            var shift = format.Shift(level);
            var word = Word(table, (int)(iova >> shift) & (Entries(level) - 1));
            switch (Kind(level, word))
            {
                case EntryKind.Leaf:
                    return Entry(level, iova >> shift << shift, word);
                case EntryKind.Empty:
                    return null;
            }

            table = format.TableAddress(level, word).Value;
        }
    }

    private IEnumerable<(ulong Address, int Bytes)> Tables(ulong table, int level, ulong start, ulong first, ulong last)
    {
        yield return (table, Entries(level) * format.EntryBytes);
        for (var i = 0; i < Entries(level); i++)
        {
            var from = start + ((ulong)i << format.Shift(level));
            var to = from + (1UL << format.Shift(level)) - 1;
            if (to < first || from > last)
                continue;
            var word = Word(table, i);
            if (Kind(level, word) != EntryKind.Table)
                continue;
            foreach (var below in Tables(format.TableAddress(level, word).Value, level + 1, from, first, last))
                yield return below;
        }
    }

    private void AddLeaves(List<TableLeaf> leaves, ulong table, int level, ulong start, ulong first, ulong last)
    {
        for (var i = 0; i < Entries(level);)
        {
            var at = start + ((ulong)i << format.Shift(level));
            if (at + ((1UL << format.Shift(level)) - 1) < first || at > last)
            {
                i++;
                continue;
            }

            var word = Word(table, i);
            switch (Kind(level, word))
            {
                case EntryKind.Leaf:
                    i += AddPage(leaves, table, level, i, at, word);
                    continue;
                case EntryKind.Table:
                    AddLeaves(leaves, format.TableAddress(level, word).Value, level + 1, at, first, last);
                    break;
            }

            i++;
        }
    }

    /// <summary>Adds a page as a whole if all of its entries are there, else the one entry.</summary>
    private int AddPage(List<TableLeaf> leaves, ulong table, int level, int index, ulong iova, ulong word)
    {
        var shift = format.LeafShift(level, word);
        var entries = 1 << (shift - format.Shift(level));
        var isWhole = index % entries == 0;
        var step = entries > 1 ? format.ReplicaStep(level, shift) : 0;
        for (var i = 1; i < entries && isWhole; i++)
            isWhole = Word(table, index + i) == word + (step * (ulong)i);
        if (!isWhole)
        {
            leaves.Add(Entry(level, iova, word));
            return 1;
        }

        leaves.Add(new TableLeaf(iova, shift, format.LeafAddress(level, word).Value, format.LeafProtection(level, word), shift));
        return entries;
    }

    private TableLeaf Entry(int level, ulong iova, ulong word)
    {
        var shift = format.LeafShift(level, word);
        var inPage = iova & ((1UL << shift) - 1);
        return new TableLeaf(
            iova, format.Shift(level), format.LeafAddress(level, word).Value + inPage, format.LeafProtection(level, word), shift);
    }
}
