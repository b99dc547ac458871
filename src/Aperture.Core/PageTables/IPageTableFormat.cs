namespace Aperture.Core.PageTables;

/// <summary>What an entry of a table is.</summary>
public enum EntryKind
{
    /// <summary>Nothing is mapped here.</summary>
    Empty,

    /// <summary>The entry points to a table of the next level.</summary>
    Table,

    /// <summary>The entry maps a page, alone or as one of several replicated entries.</summary>
    Leaf,
}

/// <summary>One page-table format: pure arithmetic on entries. Implementations are small <c>readonly struct</c>s, so that
/// <see cref="PageTable{TFormat}"/> is compiled once per format with every call inlined. Members are instance members
/// because some formats have parameters (a start level, a shared empty table, an address shift).</summary>
/// <remarks>An entry travels as the low <see cref="EntryBytes"/> bytes of a <see cref="ulong"/>, in the order in which the
/// table holds it (little endian unless the format swaps it).</remarks>
public interface IPageTableFormat
{
    /// <summary>Bytes of one entry: 4 or 8.</summary>
    int EntryBytes { get; }

    /// <summary>Number of levels. Level 0 is the root; the last level holds pages only.</summary>
    int Levels { get; }

    /// <summary>The level of the root of an empty table: 0, unless the table grows upwards as addresses need it. Levels are never
    /// taken away again.</summary>
    int StartLevel { get; }

    /// <summary>The first input address: zero, or where the upper part of a split space begins.</summary>
    ulong InputStart { get; }

    /// <summary>Bits of an input address: they reach from <see cref="InputStart"/> to the next multiple of 2^InputBits.</summary>
    int InputBits { get; }

    /// <summary>Bits of an output address; pages above are out of range.</summary>
    int OutputBits { get; }

    /// <summary>Tables lie below 2^TableBits.</summary>
    int TableBits { get; }

    /// <summary>The page sizes that can be mapped, one bit each (bit 12 = 4 KiB).</summary>
    ulong PageSizes { get; }

    /// <summary>When a table that became empty is unlinked and given back by an unmap.</summary>
    TableReclaim Reclaim { get; }

    /// <summary>Log2 of the bytes that one entry of <paramref name="level"/> covers.</summary>
    int Shift(int level);

    /// <summary>Log2 of the number of entries of a table of <paramref name="level"/>.</summary>
    int IndexBits(int level);

    /// <summary>Alignment in bytes of a table of <paramref name="level"/>; at least its size where the hardware needs that.</summary>
    int TableAlignment(int level);

    /// <summary>The level that holds pages of <c>1 &lt;&lt; pageShift</c> bytes. The page takes
    /// <c>1 &lt;&lt; (pageShift - Shift(level))</c> consecutive entries.</summary>
    int LevelOfPage(int pageShift);

    /// <summary>How much each entry of a page of several entries is more than the one before: 0 where they are equal.</summary>
    ulong ReplicaStep(int level, int pageShift);

    /// <summary>What <paramref name="entry"/> of a table of <paramref name="level"/> is.</summary>
    EntryKind Classify(int level, ulong entry);

    /// <summary>The value that means "nothing is mapped here" in a fresh table of <paramref name="level"/>.</summary>
    ulong EmptyEntry(int level);

    /// <summary>Log2 of the size of the page that a leaf maps.</summary>
    int LeafShift(int level, ulong entry);

    /// <summary>How leaves of pages of <c>1 &lt;&lt; pageShift</c> bytes are told from everything else at a level:
    /// those for which <c>(entry &amp; mask) == value</c>.</summary>
    void LeafPattern(int level, int pageShift, out ulong mask, out ulong value);

    /// <summary>The first byte of the page that a leaf maps.</summary>
    PhysicalAddress LeafAddress(int level, ulong entry);

    /// <summary>The rights and attributes of a leaf, as the hardware will apply them.</summary>
    Protection LeafProtection(int level, ulong entry);

    /// <summary>The leaf that maps a page of <c>1 &lt;&lt; pageShift</c> bytes at <paramref name="page"/>: the first of its
    /// entries.</summary>
    ulong MakeLeaf(int level, int pageShift, PhysicalAddress page, Protection protection);

    /// <summary>The table that an entry of <paramref name="level"/> points to.</summary>
    PhysicalAddress TableAddress(int level, ulong entry);

    /// <summary>What the link of an entry of <paramref name="level"/> leaves of the rights of all pages below it, as the hardware applies
    /// it: those of <see cref="Protection.ReadWrite"/> that it lets through, and the limits (<see cref="Protection.Privileged"/>,
    /// <see cref="Protection.NoExecute"/>) that it adds. <see cref="Protection.ReadWrite"/> where links have no rights.</summary>
    Protection LinkProtection(int level, ulong entry);

    /// <summary>The entry of <paramref name="level"/> that points to <paramref name="table"/>.</summary>
    ulong MakeTable(int level, PhysicalAddress table);

    /// <summary>Whether the format can express <paramref name="protection"/>: <see cref="Status.Ok"/>,
    /// or <see cref="Status.InvalidArgument"/> where nothing like it exists.</summary>
    Status CheckProtection(Protection protection);

    /// <summary>Whether a leaf says that its page was written since it was made clean. False where the hardware does not say.</summary>
    bool IsDirty(int level, ulong entry);

    /// <summary>The leaf of the same page, not written.</summary>
    ulong MakeClean(int level, ulong entry);

    /// <summary>The leaf of the same page, written: what hardware makes of it that keeps track. The same leaf where there is nothing to say
    /// it with.</summary>
    ulong MakeDirty(int level, ulong entry);

    /// <summary>Whether a leaf says that its page was used since the flag was cleared. True where the format has no such flag.</summary>
    bool IsAccessed(int level, ulong entry);

    /// <summary>The leaf of the same page, used: what hardware makes of it that sets the flag itself.</summary>
    ulong MakeAccessed(int level, ulong entry);
}
