using Aperture.Conformance.Tables;
using Aperture.Core.Memory;
using Aperture.Core.PageTables;

namespace Aperture.Conformance.Drivers;

/// <summary>A <see cref="TreeReader"/> for two-level tables of 32-bit entries, which knows its entries by their place in either
/// level.</summary>
/// <param name="format">The format.</param>
/// <param name="memory">Where the tables are.</param>
/// <param name="root">The first-level table.</param>
public sealed class TableReader(IPageTableFormat format, PhysicalMemory memory, ulong root) : TreeReader(format, memory, root, 0)
{
    private readonly IPageTableFormat _format = format;

    /// <summary>Entries of the first-level table.</summary>
    public int FirstLevelEntries => Entries(0);

    /// <summary>Log2 of what an entry of the first level covers.</summary>
    public int FirstLevelShift => _format.Shift(0);

    /// <summary>Entries of a second-level table.</summary>
    public int SecondLevelEntries => Entries(1);

    /// <summary>An entry of the first level.</summary>
    public uint First(int index) => (uint)Word(Root, index);

    /// <summary>What an entry of the first level is. A link to where no memory is counts as empty.</summary>
    public EntryKind Kind(int index) => Kind(0, First(index));

    /// <summary>The table that an entry of the first level links to.</summary>
    public ulong TableOf(int index) => _format.TableAddress(0, First(index)).Value;

    /// <summary>An entry of a second-level table.</summary>
    public uint Second(int index, int second) => (uint)Word(TableOf(index), second);

    /// <summary>Whether an entry of a second-level table maps nothing.</summary>
    public bool IsEmpty(int index, int second) => _format.Classify(1, Second(index, second)) == EntryKind.Empty;

    /// <summary>The leaves from <paramref name="start"/> to before <paramref name="end"/>, lowest first. Both are multiples of the largest
    /// page.</summary>
    public List<TableLeaf> Leaves(ulong start, ulong end) => LeavesWithin(start, end - 1);

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
}
