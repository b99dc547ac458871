using System.Runtime.InteropServices;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Core.PageTables;

namespace Aperture.Conformance.Drivers;

/// <summary>A leaf of a table: one page, or one entry of a page whose equal entries are not all there any more.</summary>
/// <param name="Iova">The first device address.</param>
/// <param name="Shift">Log2 of the bytes it maps.</param>
/// <param name="Address">Where they are.</param>
/// <param name="Protection">Rights and attributes.</param>
/// <param name="PageShift">Log2 of the page size that its entries name: more than <paramref name="Shift"/> for a torn page.</param>
public readonly record struct TableLeaf(ulong Iova, int Shift, ulong Address, Protection Protection, int PageShift)
{
    /// <summary>The first device address behind it.</summary>
    public ulong End => Iova + (1UL << Shift);

    /// <summary>Whether it is what is left of a page of several entries.</summary>
    public bool IsTorn => PageShift != Shift;

    /// <summary>Whether both map the same.</summary>
    public bool MapsAs(TableLeaf other) => (Iova, Shift, Address, Protection) == (other.Iova, other.Shift, other.Address, other.Protection);
}

/// <summary>Reads two-level tables of 32-bit entries as plain data, by the rules of a format and nothing else.</summary>
/// <param name="format">The format.</param>
/// <param name="memory">Where the tables are.</param>
/// <param name="root">The first-level table.</param>
public sealed class TableReader(IPageTableFormat format, PhysicalMemory memory, ulong root)
{
    /// <summary>The first-level table.</summary>
    public ulong Root => root;

    /// <summary>Entries of the first-level table.</summary>
    public int FirstLevelEntries => 1 << format.IndexBits(0);

    /// <summary>Log2 of what an entry of the first level covers.</summary>
    public int FirstLevelShift => format.Shift(0);

    /// <summary>Entries of a second-level table.</summary>
    public int SecondLevelEntries => 1 << format.IndexBits(1);

    /// <summary>An entry of the first level.</summary>
    public uint First(int index) => Word(root + ((ulong)index * sizeof(uint)));

    /// <summary>What an entry of the first level is. A link to where no memory is counts as empty.</summary>
    public EntryKind Kind(int index)
    {
        var kind = format.Classify(0, First(index));
        return kind == EntryKind.Table && !Has(TableOf(index)) ? EntryKind.Empty : kind;
    }

    /// <summary>The table that an entry of the first level links to.</summary>
    public ulong TableOf(int index) => format.TableAddress(0, First(index)).Value;

    /// <summary>An entry of a second-level table.</summary>
    public uint Second(int index, int second) => Word(TableOf(index) + ((ulong)second * sizeof(uint)));

    /// <summary>Whether an entry of a second-level table maps nothing.</summary>
    public bool IsEmpty(int index, int second) => format.Classify(1, Second(index, second)) == EntryKind.Empty;

    /// <summary>Whether a linked table has no entry.</summary>
    public bool IsEmptyTable(int index)
    {
        for (var i = 0; i < SecondLevelEntries; i++)
        {
            if (!IsEmpty(index, i))
                return false;
        }

        return true;
    }

    /// <summary>The leaves from <paramref name="start"/> to <paramref name="end"/>, lowest first. Both are multiples of the largest page.</summary>
    public List<TableLeaf> Leaves(ulong start, ulong end)
    {
        var leaves = new List<TableLeaf>();
        var first = (int)(start >> FirstLevelShift);
        var behind = (int)Math.Min((ulong)FirstLevelEntries, end >> FirstLevelShift);
        for (var i = first; i < behind;)
        {
            var kind = Kind(i);
            if (kind == EntryKind.Leaf)
                i += Add(leaves, 0, (ulong)i << FirstLevelShift, root, i);
            else if (kind == EntryKind.Table)
                AddTable(leaves, i++);
            else
                i++;
        }

        return leaves;
    }

    /// <summary>Where a device address leads, or null.</summary>
    public TableLeaf? Find(ulong iova)
    {
        var index = (int)(iova >> FirstLevelShift);
        if (index >= FirstLevelEntries)
            return null;
        var kind = Kind(index);
        var level = kind == EntryKind.Table ? 1 : 0;
        var entryShift = format.Shift(level);
        var word = level == 0 ? First(index) : Second(index, (int)(iova >> entryShift) & (SecondLevelEntries - 1));
        if (kind == EntryKind.Empty || format.Classify(level, word) != EntryKind.Leaf)
            return null;
        return Entry(level, iova >> entryShift << entryShift, word);
    }

    private void AddTable(List<TableLeaf> leaves, int index)
    {
        var table = TableOf(index);
        for (var i = 0; i < SecondLevelEntries;)
        {
            if (format.Classify(1, Second(index, i)) == EntryKind.Leaf)
                i += Add(leaves, 1, ((ulong)index << FirstLevelShift) + ((ulong)i << format.Shift(1)), table, i);
            else
                i++;
        }
    }

    /// <summary>Adds a page as a whole if all of its entries are there and equal, else the one entry.</summary>
    private int Add(List<TableLeaf> leaves, int level, ulong iova, ulong table, int index)
    {
        var word = Word(table + ((ulong)index * sizeof(uint)));
        var shift = format.LeafShift(level, word);
        var entries = 1 << (shift - format.Shift(level));
        var isWhole = index % entries == 0;
        for (var i = 1; i < entries && isWhole; i++)
            isWhole = Word(table + ((ulong)(index + i) * sizeof(uint))) == word;
        if (!isWhole)
        {
            leaves.Add(Entry(level, iova, word));
            return 1;
        }

        leaves.Add(new TableLeaf(iova, shift, format.LeafAddress(level, word).Value, format.LeafProtection(level, word), shift));
        return entries;
    }

    private TableLeaf Entry(int level, ulong iova, uint word)
    {
        var shift = format.LeafShift(level, word);
        var inPage = iova & ((1UL << shift) - 1);
        return new TableLeaf(iova, format.Shift(level), format.LeafAddress(level, word).Value + inPage, format.LeafProtection(level, word), shift);
    }

    private bool Has(ulong table) => memory.Contains(new PhysicalAddress(table), (ulong)SecondLevelEntries * sizeof(uint));

    private uint Word(ulong address) => MemoryMarshal.Read<uint>(memory.Span(new PhysicalAddress(address), sizeof(uint)));
}
