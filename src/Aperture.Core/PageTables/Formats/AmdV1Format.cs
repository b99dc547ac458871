namespace Aperture.Core.PageTables.Formats;

/// <summary>AMD's v1 tables, which its manual calls host tables: 64-bit descriptors, one to six levels of 512 entries, pages of every power
/// of two from 4 KiB to 2^51 bytes but 512 GiB (an erratum). A size that no single entry maps takes several equal entries that hold it. The
/// table grows upwards as addresses need it.</summary>
/// <remarks>
/// Source: AMD 48882 (IOMMU specification); details from recorded library behaviour. Level 5 is the manual's level 1, level 0 its level 6.
/// <code>
/// link   62 IW | 61 IR | 51..12 table | 11..9 level of that table | 0 present
/// leaf   62 IW | 61 IR | 60 FC | 51..12 page | 11..9 0 | 6 dirty | 5 accessed | 0 present
/// of several entries: 11..9 7; the address bits below the page size are ones but the highest of them
/// </code>
/// </remarks>
public readonly struct AmdV1Format : IPageTableFormat
{
    /// <summary>The page was written. Found in a leaf; a page can be mapped with it.</summary>
    public const Protection Dirty = (Protection)(1u << 16);

    /// <summary>The most levels.</summary>
    public const int MostLevels = 6;

    private const ulong Present = 1;
    private const ulong AccessedBit = 1 << 5;
    private const ulong DirtyBit = 1 << 6;
    private const ulong ForceCoherent = 1UL << 60;
    private const ulong Readable = 1UL << 61;
    private const ulong Writable = 1UL << 62;
    private const ulong AddressMask = 0x000F_FFFF_FFFF_F000;
    private const int NextLevelShift = 9;
    private const ulong NextLevelMask = 7UL << NextLevelShift;
    private const ulong SizeInAddress = 7UL << NextLevelShift;
    private const int LevelBits = 9;

    private readonly byte _startLevel;
    private readonly ulong _leafBits; // what every leaf has

    /// <summary>Makes the format.</summary>
    /// <param name="levels">Levels of an empty table, 1 to 6: the mode of the device table entry.</param>
    /// <param name="forceCoherent">Whether accesses snoop the CPU's caches (bit FC of the leaves).</param>
    /// <exception cref="ApertureException">There is no such number of levels.</exception>
    public AmdV1Format(int levels = 3, bool forceCoherent = true)
    {
        if (levels is < 1 or > MostLevels)
            throw new ApertureException(Status.InvalidArgument, $"AMD v1 tables have 1 to {MostLevels} levels, not {levels}");
        _startLevel = (byte)(MostLevels - levels);
        _leafBits = forceCoherent ? Present | ForceCoherent : Present;
    }

    /// <inheritdoc/>
    public int EntryBytes => 8;

    /// <inheritdoc/>
    public int Levels => MostLevels;

    /// <inheritdoc/>
    public int StartLevel => _startLevel;

    /// <inheritdoc/>
    public ulong InputStart => 0;

    /// <inheritdoc/>
    public int InputBits => 64;

    /// <inheritdoc/>
    public int OutputBits => 52;

    /// <inheritdoc/>
    public int TableBits => 52;

    /// <inheritdoc/>
    public ulong PageSizes => 0x000F_FF7F_FFFF_F000;

    /// <inheritdoc/>
    public TableReclaim Reclaim => TableReclaim.Never;

    /// <inheritdoc/>
    public int Shift(int level) => 12 + ((MostLevels - 1 - level) * LevelBits);

    /// <inheritdoc/>
    public int IndexBits(int level) => LevelBits;

    /// <inheritdoc/>
    public int TableAlignment(int level) => 4096;

    /// <inheritdoc/>
    public int LevelOfPage(int pageShift) => MostLevels - 1 - ((pageShift - 12) / LevelBits);

    /// <inheritdoc/>
    public ulong ReplicaStep(int level, int pageShift) => 0;

    /// <inheritdoc/>
    public EntryKind Classify(int level, ulong entry)
    {
        if ((entry & Present) == 0)
            return EntryKind.Empty;
        var next = (int)(entry >> NextLevelShift) & 7;
        if (next == 0)
            return EntryKind.Leaf;
        if (next == MostLevels - 1 - level)
            return EntryKind.Table;
        return next == 7 && SizeShift(entry) - Shift(level) is > 0 and < LevelBits ? EntryKind.Leaf : EntryKind.Empty;
    }

    /// <inheritdoc/>
    public ulong EmptyEntry(int level) => 0;

    /// <inheritdoc/>
    public int LeafShift(int level, ulong entry) => (entry & NextLevelMask) == 0 ? Shift(level) : SizeShift(entry);

    /// <inheritdoc/>
    public void LeafPattern(int level, int pageShift, out ulong mask, out ulong value)
    {
        mask = NextLevelMask | Present;
        value = Present;
        if (pageShift == Shift(level))
            return;
        mask |= SizeMask(pageShift);
        value |= SizeInAddress | SizeBits(pageShift);
    }

    /// <inheritdoc/>
    public PhysicalAddress LeafAddress(int level, ulong entry) => new(entry & AddressMask & (ulong.MaxValue << LeafShift(level, entry)));

    /// <inheritdoc/>
    public Protection LeafProtection(int level, ulong entry)
    {
        var protection = Protection.None;
        if ((entry & Readable) != 0)
            protection |= Protection.Read;
        if ((entry & Writable) != 0)
            protection |= Protection.Write;
        if ((entry & DirtyBit) != 0)
            protection |= Dirty;
        return protection;
    }

    /// <inheritdoc/>
    public ulong MakeLeaf(int level, int pageShift, PhysicalAddress page, Protection protection)
    {
        var entry = page.Value | _leafBits;
        if (pageShift != Shift(level))
            entry |= SizeInAddress | SizeBits(pageShift);
        if ((protection & Protection.Read) != 0)
            entry |= Readable;
        if ((protection & Protection.Write) != 0)
            entry |= Writable;
        if ((protection & Dirty) != 0)
            entry |= DirtyBit;
        return entry;
    }

    /// <inheritdoc/>
    public PhysicalAddress TableAddress(int level, ulong entry) => new(entry & AddressMask);

    /// <inheritdoc/>
    /// <remarks>The rights of all levels hold together (AMD 48882, 2.2.3: IR and IW are accumulated).</remarks>
    public Protection LinkProtection(int level, ulong entry) => LeafProtection(level, entry) & Protection.ReadWrite;

    /// <inheritdoc/>
    public ulong MakeTable(int level, PhysicalAddress table) =>
        table.Value | (ulong)(MostLevels - 1 - level) << NextLevelShift | Present | Readable | Writable;

    /// <inheritdoc/>
    public Status CheckProtection(Protection protection) =>
        (protection & Protection.FormatMask & ~Dirty) == 0 && (protection & Protection.ReadWrite) != 0 ? Status.Ok : Status.InvalidArgument;

    /// <inheritdoc/>
    public bool IsDirty(int level, ulong entry) => (entry & DirtyBit) != 0;

    /// <inheritdoc/>
    public ulong MakeClean(int level, ulong entry) => entry & ~DirtyBit;

    /// <inheritdoc/>
    public ulong MakeDirty(int level, ulong entry) => entry | DirtyBit;

    /// <inheritdoc/>
    public bool IsAccessed(int level, ulong entry) => (entry & AccessedBit) != 0;

    /// <inheritdoc/>
    public ulong MakeAccessed(int level, ulong entry) => entry | AccessedBit;

    /// <summary>Log2 of the size that an address holds: one more than the number of its lowest bit that is zero, from bit 12 on.</summary>
    private static int SizeShift(ulong entry) => 1 + (int)ulong.TrailingZeroCount(~(entry & AddressMask | 0xFFF));

    /// <summary>The address bits that hold the size.</summary>
    private static ulong SizeMask(int pageShift) => ((1UL << pageShift) - 1) & AddressMask;

    private static ulong SizeBits(int pageShift) => ((1UL << (pageShift - 1)) - 1) & AddressMask;
}
