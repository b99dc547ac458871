namespace Aperture.Core.PageTables.Formats;

/// <summary>The tables of NVIDIA's Tegra SMMU: two levels of 1024 words of 32 bits, pages of 4 KiB and, where asked for, sections of
/// 4 MiB, and one bit each for reading, writing and accesses that are not secure.</summary>
/// <remarks>
/// Source: recorded driver behaviour. A page without rights is still mapped: its word has the non-secure bit.
/// <code>
/// level 0: link    31 R | 30 W | 29 NS | 28 1 | 21..0 table 33..12      section  31 R | 30 W | 29 NS | 28 0 | 21..10 page 33..22
/// level 1: page    31 R | 30 W | 29 NS | 21..0 page 33..12
/// </code>
/// </remarks>
public readonly struct TegraFormat : IPageTableFormat
{
    private const uint NonSecure = 1u << 29;
    private const uint Next = 1u << 28;
    private const uint Rights = 7u << 29;
    private const uint FrameMask = 0x3F_FFFF;
    private const int SectionShift = 22;

    private readonly bool _isWide;      // physical addresses of 34 bits, not 32
    private readonly bool _hasSections; // sections are used

    /// <summary>Makes the format.</summary>
    /// <param name="outputBits">Bits of a physical address: 32 or 34.</param>
    /// <param name="hasSections">Whether pages of 4 MiB are used.</param>
    /// <exception cref="ApertureException">Other address bits.</exception>
    public TegraFormat(int outputBits, bool hasSections = false)
    {
        if (outputBits is not (32 or 34))
            throw new ApertureException(Status.InvalidArgument, $"Tegra tables hold addresses of 32 or 34 bits, not {outputBits}");
        _isWide = outputBits == 34;
        _hasSections = hasSections;
    }

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
    public int OutputBits => _isWide ? 34 : 32;

    /// <inheritdoc/>
    public int TableBits => OutputBits;

    /// <inheritdoc/>
    public ulong PageSizes => _hasSections ? 0x40_1000u : 0x1000u;

    /// <inheritdoc/>
    public TableReclaim Reclaim => TableReclaim.WhenEmpty;

    /// <inheritdoc/>
    public int Shift(int level) => level == 0 ? SectionShift : 12;

    /// <inheritdoc/>
    public int IndexBits(int level) => 10;

    /// <inheritdoc/>
    public int TableAlignment(int level) => 4096;

    /// <inheritdoc/>
    public int LevelOfPage(int pageShift) => pageShift >= SectionShift ? 0 : 1;

    /// <inheritdoc/>
    public ulong ReplicaStep(int level, int pageShift) => 0;

    /// <inheritdoc/>
    public EntryKind Classify(int level, ulong entry)
    {
        if ((uint)entry == 0)
            return EntryKind.Empty;
        return level == 0 && (entry & Next) != 0 ? EntryKind.Table : EntryKind.Leaf;
    }

    /// <inheritdoc/>
    public ulong EmptyEntry(int level) => 0;

    /// <inheritdoc/>
    public int LeafShift(int level, ulong entry) => Shift(level);

    /// <inheritdoc/>
    public void LeafPattern(int level, int pageShift, out ulong mask, out ulong value)
    {
        mask = level == 0 ? Next | NonSecure : NonSecure;
        value = NonSecure;
    }

    /// <inheritdoc/>
    public PhysicalAddress LeafAddress(int level, ulong entry) => new((entry & FrameMask) << 12 & (ulong.MaxValue << Shift(level)));

    /// <inheritdoc/>
    public Protection LeafProtection(int level, ulong entry)
    {
        var protection = Protection.None;
        if ((entry & (1u << 31)) != 0)
            protection |= Protection.Read;
        if ((entry & (1u << 30)) != 0)
            protection |= Protection.Write;
        return protection;
    }

    /// <inheritdoc/>
    public ulong MakeLeaf(int level, int pageShift, PhysicalAddress page, Protection protection)
    {
        var entry = page.Value >> 12 | NonSecure;
        if ((protection & Protection.Read) != 0)
            entry |= 1u << 31;
        if ((protection & Protection.Write) != 0)
            entry |= 1u << 30;
        return entry;
    }

    /// <inheritdoc/>
    public PhysicalAddress TableAddress(int level, ulong entry) => new((entry & FrameMask) << 12);

    /// <inheritdoc/>
    /// <remarks>The rights of both levels hold together (docs/units/tegra-smmu.md).</remarks>
    public Protection LinkProtection(int level, ulong entry) => LeafProtection(level, entry);

    /// <inheritdoc/>
    public ulong MakeTable(int level, PhysicalAddress table) => table.Value >> 12 | Rights | Next;

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
}
