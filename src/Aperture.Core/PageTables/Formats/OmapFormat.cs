namespace Aperture.Core.PageTables.Formats;

/// <summary>The tables of TI's OMAP2+ and DRA7 device MMUs: two levels of 32-bit descriptors, pages of 4 KiB, 64 KiB, 1 MiB
/// and 16 MiB, the second and fourth as sixteen equal entries. Tables hold no access rights: what is mapped can be read and
/// written.</summary>
/// <remarks>
/// Source: OMAP36xx TRM ch. 15, DRA7 TRM ch. "MMU"; attribute positions from recorded driver behaviour.
/// <code>
/// level 0: link         31..10 table | 01
///          section      31..20 page | 17 mixed | 15 big endian | 11..10 element size | 10
///          supersection 31..24 page | 18 = 1 | as section
/// level 1: large page   31..16 page | 11 mixed | 9 big endian | 5..4 element size | 01
///          small page   31..12 page | 11 mixed | 9 big endian | 5..4 element size | 1x
/// </code>
/// </remarks>
public readonly struct OmapFormat : IPageTableFormat
{
    /// <summary>Elements in memory are big endian.</summary>
    public const Protection BigEndian = (Protection)(1u << 16);

    /// <summary>Elements of 8 bits; the default.</summary>
    public const Protection Element8 = 0;

    /// <summary>Elements of 16 bits.</summary>
    public const Protection Element16 = (Protection)(1u << 17);

    /// <summary>Elements of 32 bits.</summary>
    public const Protection Element32 = (Protection)(2u << 17);

    /// <summary>No endianness conversion.</summary>
    public const Protection ElementNone = (Protection)(3u << 17);

    /// <summary>Mixed page: the element size of the access decides, not that of the page.</summary>
    public const Protection Mixed = (Protection)(1u << 19);

    private const int ElementShift = 17;
    private const Protection Attributes = BigEndian | ElementNone | Mixed;

    /// <inheritdoc/>
    public int EntryBytes => 4;

    /// <inheritdoc/>
    public int Levels => 2;

    /// <inheritdoc/>
    public int StartLevel => 0;

    /// <inheritdoc/>
    public ulong InputStart => 0;

    /// <inheritdoc/>
    public int InputBits => 32;

    /// <inheritdoc/>
    public int OutputBits => 32;

    /// <inheritdoc/>
    public int TableBits => 32;

    /// <inheritdoc/>
    public ulong PageSizes => 0x0111_1000;

    /// <inheritdoc/>
    public TableReclaim Reclaim => TableReclaim.WhenEmpty;

    /// <inheritdoc/>
    public int Shift(int level) => level == 0 ? 20 : 12;

    /// <inheritdoc/>
    public int IndexBits(int level) => level == 0 ? 12 : 8;

    /// <inheritdoc/>
    public int TableAlignment(int level) => level == 0 ? 16384 : 1024;

    /// <inheritdoc/>
    public int LevelOfPage(int pageShift) => pageShift >= 20 ? 0 : 1;

    /// <inheritdoc/>
    public ulong ReplicaStep(int level, int pageShift) => 0;

    /// <inheritdoc/>
    public EntryKind Classify(int level, ulong entry) => level == 0
        ? (entry & 3) switch { 1 => EntryKind.Table, 2 => EntryKind.Leaf, _ => EntryKind.Empty }
        : (entry & 3) == 0 ? EntryKind.Empty : EntryKind.Leaf;

    /// <inheritdoc/>
    public ulong EmptyEntry(int level) => 0;

    /// <inheritdoc/>
    public int LeafShift(int level, ulong entry) => level == 0
        ? (entry & (1 << 18)) != 0 ? 24 : 20
        : (entry & 2) != 0 ? 12 : 16;

    /// <inheritdoc/>
    public void LeafPattern(int level, int pageShift, out ulong mask, out ulong value)
    {
        mask = level == 0 ? 0x40003u : pageShift == 12 ? 2u : 3u;
        value = pageShift switch { 24 => 0x40002u, 16 => 1u, _ => 2u };
    }

    /// <inheritdoc/>
    public PhysicalAddress LeafAddress(int level, ulong entry) =>
        new(entry & 0xFFFF_FFFF & (ulong.MaxValue << LeafShift(level, entry)));

    /// <inheritdoc/>
    public Protection LeafProtection(int level, ulong entry)
    {
        var bits = (uint)entry >> (level == 0 ? 6 : 0);
        var protection = Protection.ReadWrite | (Protection)(((bits >> 4) & 3) << ElementShift);
        if ((bits & (1 << 9)) != 0)
            protection |= BigEndian;
        if ((bits & (1 << 11)) != 0)
            protection |= Mixed;
        return protection;
    }

    /// <inheritdoc/>
    public ulong MakeLeaf(int level, int pageShift, PhysicalAddress page, Protection protection)
    {
        LeafPattern(level, pageShift, out _, out var entry);
        entry |= page.Value;
        if ((protection & Attributes) == 0)
            return entry;

        var bits = (((uint)protection >> ElementShift) & 3) << 4;
        if ((protection & BigEndian) != 0)
            bits |= 1 << 9;
        if ((protection & Mixed) != 0)
            bits |= 1 << 11;
        return entry | (bits << (level == 0 ? 6 : 0));
    }

    /// <inheritdoc/>
    public PhysicalAddress TableAddress(int level, ulong entry) => new(entry & 0xFFFF_FC00);

    /// <inheritdoc/>
    public Protection LinkProtection(int level, ulong entry) => Protection.ReadWrite;

    /// <inheritdoc/>
    public ulong MakeTable(int level, PhysicalAddress table) => table.Value | 1;

    /// <inheritdoc/>
    public Status CheckProtection(Protection protection) =>
        (protection & Protection.FormatMask & ~Attributes) == 0 ? Status.Ok : Status.InvalidArgument;

    /// <inheritdoc/>
    public bool IsDirty(int level, ulong entry) => false;

    /// <inheritdoc/>
    public ulong MakeClean(int level, ulong entry) => entry;

    /// <inheritdoc/>
    public ulong MakeDirty(int level, ulong entry) => entry;

    /// <inheritdoc/>
    public bool IsAccessed(int level, ulong entry) => true;

    /// <inheritdoc/>
    public ulong MakeAccessed(int level, ulong entry) => entry;
}
