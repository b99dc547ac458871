namespace Aperture.Core.PageTables.Formats;

/// <summary>The tables of Rockchip's IOMMU: two levels of 1024 32-bit entries each, pages of 4 KiB, one bit each for reading and
/// writing. Version 1 has 32 address bits; version 2 has 40, with the upper eight in low bits of the entry.</summary>
/// <remarks>
/// Source: register reference of ARM's Mali-400 MMU, recorded driver behaviour. Version 1's cache bits stay zero, which leaves the choice
/// to the bus.
/// <code>
/// v1: 31..12 address | 2 write | 1 read | 0 valid
/// v2: 31..12 address | 11..8 address 35..32 | 7..4 address 39..36 | 2 write | 1 read | 0 valid
/// </code>
/// </remarks>
public readonly struct RockchipFormat : IPageTableFormat
{
    private const uint Valid = 1;

    private readonly bool _isWide; // version 2
    private readonly int _tableBits;

    /// <summary>Makes the format.</summary>
    /// <param name="isWide">Version 2, with 40 address bits.</param>
    /// <param name="tableBits">Tables lie below 2^this: 32, or 40 on version 2. Entries of version 2 have room for 40 bits, but people
    /// report that RK3568 faults on tables above 4 GiB, so 32 is the safe side.</param>
    public RockchipFormat(bool isWide, int tableBits = 32) => (_isWide, _tableBits) = (isWide, tableBits);

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
    public int OutputBits => _isWide ? 40 : 32;

    /// <inheritdoc/>
    public int TableBits => Math.Min(_tableBits, OutputBits);

    /// <inheritdoc/>
    public ulong PageSizes => 0x1000;

    /// <inheritdoc/>
    public TableReclaim Reclaim => TableReclaim.Never;

    /// <inheritdoc/>
    public int Shift(int level) => level == 0 ? 22 : 12;

    /// <inheritdoc/>
    public int IndexBits(int level) => 10;

    /// <inheritdoc/>
    public int TableAlignment(int level) => 4096;

    /// <inheritdoc/>
    public int LevelOfPage(int pageShift) => 1;

    /// <inheritdoc/>
    public ulong ReplicaStep(int level, int pageShift) => 0;

    /// <inheritdoc/>
    public EntryKind Classify(int level, ulong entry) =>
        (entry & Valid) == 0 ? EntryKind.Empty : level == 0 ? EntryKind.Table : EntryKind.Leaf;

    /// <inheritdoc/>
    public ulong EmptyEntry(int level) => 0;

    /// <inheritdoc/>
    public int LeafShift(int level, ulong entry) => 12;

    /// <inheritdoc/>
    public void LeafPattern(int level, int pageShift, out ulong mask, out ulong value) => mask = value = Valid;

    /// <inheritdoc/>
    public PhysicalAddress LeafAddress(int level, ulong entry) => Address(entry);

    /// <inheritdoc/>
    public Protection LeafProtection(int level, ulong entry) => (Protection)(entry >> 1) & Protection.ReadWrite;

    /// <inheritdoc/>
    public ulong MakeLeaf(int level, int pageShift, PhysicalAddress page, Protection protection) =>
        Entry(page) | (ulong)(protection & Protection.ReadWrite) << 1;

    /// <inheritdoc/>
    public PhysicalAddress TableAddress(int level, ulong entry) => Address(entry);

    /// <inheritdoc/>
    public Protection LinkProtection(int level, ulong entry) => Protection.ReadWrite;

    /// <inheritdoc/>
    public ulong MakeTable(int level, PhysicalAddress table) => Entry(table);

    /// <inheritdoc/>
    public Status CheckProtection(Protection protection) =>
        (protection & Protection.FormatMask) == 0 ? Status.Ok : Status.InvalidArgument;

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

    private PhysicalAddress Address(ulong entry)
    {
        var address = entry & 0xFFFF_F000;
        return new(_isWide ? address | (entry & 0xF00) << 24 | (entry & 0xF0) << 32 : address);
    }

    private ulong Entry(PhysicalAddress page)
    {
        var address = page.Value & 0xFFFF_F000;
        return Valid | (_isWide ? address | (page.Value >> 24 & 0xF00) | (page.Value >> 32 & 0xF0) : address);
    }
}
