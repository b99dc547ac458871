namespace Aperture.Core.PageTables.Formats;

/// <summary>ARM's short-descriptor tables (VMSAv7): two levels of 32-bit descriptors, pages of 4 KiB, 64 KiB, 1 MiB and 16 MiB,
/// the second and fourth as sixteen equal entries; with MediaTek's extension addresses of up to 35 bits. Attributes go through
/// TEX remap (<see cref="Prrr"/>, <see cref="Nmrr"/>) and the access flag is in use. A page that may only be written can also be
/// read.</summary>
/// <remarks>
/// Source: ARM DDI 0406C B3; attribute values and MediaTek's bits from recorded library behaviour.
/// <code>
/// level 0: link         31..10 table | 3 NS | 01
///          section      31..20 page | 19 NS | 17 nG | 16 S | 15 AP2 | 14..12 TEX | 11 AP1 | 10 AF | 4 XN | 3 C | 2 B | 10
///          supersection 31..24 page | 18 = 1 | as section
/// level 1: large page   31..16 page | 15 XN | 14..12 TEX | 11 nG | 10 S | 9 AP2 | 5 AP1 | 4 AF | 3 C | 2 B | 01
///          small page   31..12 page | 11 nG | 10 S | 9 AP2 | 8..6 TEX | 5 AP1 | 4 AF | 3 C | 2 B | 1 | 0 XN
/// MediaTek: address bits 32, 33, 34 in bits 9, 4, 5 of every page, and of links where tables may lie high; no AP, AF, XN
/// </code>
/// </remarks>
public readonly partial struct ArmShortFormat : IPageTableFormat
{
    private const uint NonGlobalShared = 0xC00;  // of a small or large page
    private const uint AccessFlag = 1 << 4;
    private const uint Unprivileged = 1 << 5;    // AP1
    private const uint ReadOnly = 1 << 9;        // AP2
    private const uint Supersection = 1 << 18;
    private const uint Cacheable = 1 << 3;
    private const uint Bufferable = 1 << 2;
    private const int LevelDistance = 6;         // AP, S and nG of a section lie so much higher than those of a page

    private readonly byte _inputBits;
    private readonly byte _outputBits;
    private readonly byte _rootBits;   // log2 of the entries of the first table
    private readonly byte _tableBits;  // tables lie below 2^this
    private readonly bool _hasRights;
    private readonly bool _mediaTek;
    private readonly bool _coherent;
    private readonly ArmShortHalf _half;
    private readonly uint _sizes;
    private readonly uint _sectionBits; // NS of sections
    private readonly uint _linkBits;    // NS of links, and the type
    private readonly ulong _start;

    /// <inheritdoc/>
    public int EntryBytes => 4;

    /// <inheritdoc/>
    public int Levels => 2;

    /// <inheritdoc/>
    public int StartLevel => 0;

    /// <inheritdoc/>
    public ulong InputStart => _start;

    /// <inheritdoc/>
    public int InputBits => _inputBits;

    /// <inheritdoc/>
    public int OutputBits => _outputBits;

    /// <inheritdoc/>
    public int TableBits => _tableBits;

    /// <inheritdoc/>
    public ulong PageSizes => _sizes;

    /// <inheritdoc/>
    public TableReclaim Reclaim => TableReclaim.WithRange;

    /// <inheritdoc/>
    public int Shift(int level) => level == 0 ? 20 : 12;

    /// <inheritdoc/>
    public int IndexBits(int level) => level == 0 ? _rootBits : 8;

    /// <inheritdoc/>
    public int TableAlignment(int level) => 4 << IndexBits(level);

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
        ? (entry & Supersection) != 0 ? 24 : 20
        : (entry & 2) != 0 ? 12 : 16;

    /// <inheritdoc/>
    public void LeafPattern(int level, int pageShift, out ulong mask, out ulong value)
    {
        mask = level == 0 ? Supersection | 3 : pageShift == 12 ? 2u : 3u;
        value = pageShift switch { 24 => Supersection | 2, 16 => 1u, _ => 2u };
    }

    /// <inheritdoc/>
    public PhysicalAddress LeafAddress(int level, ulong entry)
    {
        var page = entry & 0xFFFF_FFFF & (ulong.MaxValue << LeafShift(level, entry));
        return new(_mediaTek ? page | HighBits(entry) : page);
    }

    /// <inheritdoc/>
    public PhysicalAddress TableAddress(int level, ulong entry) =>
        new(_tableBits > 32 ? (entry & 0xFFFF_FC00) | HighBits(entry) : entry & 0xFFFF_FC00);

    /// <inheritdoc/>
    public ulong MakeTable(int level, PhysicalAddress table) => (uint)table.Value | _linkBits | PlaceHighBits(table.Value);

    /// <summary>MediaTek's place of address bits 34 to 32.</summary>
    private static uint PlaceHighBits(ulong address)
    {
        var high = (uint)(address >> 32);
        return (high & 1) << 9 | (high & 6) << 3;
    }

    private static ulong HighBits(ulong entry) => (entry & 0x200) << 23 | (entry & 0x30) << 29;
}
