namespace Aperture.Core.PageTables.Formats;

/// <summary>The tables of Samsung's SysMMU: two levels of 32-bit descriptors, pages of 4 KiB, 64 KiB (sixteen equal entries) and
/// 1 MiB. Up to version 3 they hold 32-bit addresses and rights in the ARM manner, where a page that may only be written can also be
/// read; from version 5 on 36-bit addresses shifted right by four, and one bit each for reading and writing.</summary>
/// <remarks>
/// Source: recorded driver behaviour. An unused first-level entry is a link to a second-level table of zeros that all
/// domains share, so that a unit never caches a faulting first-level entry.
/// <code>
/// up to version 3
/// level 0: link    31..6 table | 01     section    31..20 page | 15 read only | 10 accessible | 10
/// level 1: large   31..16 page | 9 read only | 4 accessible | 01
///          small   31..12 page | 9 read only | 4 accessible | 1x
/// from version 5
/// level 0: link    31..6 table 35..10 | 01     section  31..16 page 35..20 | 5 write | 4 read | 10
/// level 1: large   31..12 page 35..16 | 3 write | 2 read | 01
///          small   31..8 page 35..12 | 3 write | 2 read | 1x
/// </code>
/// </remarks>
public readonly struct ExynosFormat : IPageTableFormat
{
    private readonly int _addressShift; // how far descriptors shift addresses: 4 from version 5 on, else 0
    private readonly uint _empty;       // first-level entry that means nothing: the link to the shared table of zeros, or 0

    /// <summary>Makes the format.</summary>
    /// <param name="isWide">Version 5 or later, with 36 address bits.</param>
    /// <param name="zeroTable">The shared second-level table of zeros; null to leave unused first-level entries zero.</param>
    public ExynosFormat(bool isWide, PhysicalAddress? zeroTable = null)
    {
        _addressShift = isWide ? 4 : 0;
        _empty = zeroTable is { } table ? (uint)(table.Value >> _addressShift) | 1 : 0;
    }

    /// <summary>Whether it is that of version 5 or later.</summary>
    public bool IsWide => _addressShift != 0;

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
    public int OutputBits => 32 + _addressShift;

    /// <inheritdoc/>
    public int TableBits => OutputBits;

    /// <inheritdoc/>
    public ulong PageSizes => 0x11_1000;

    /// <inheritdoc/>
    public TableReclaim Reclaim => TableReclaim.Never;

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
    public EntryKind Classify(int level, ulong entry)
    {
        if (level != 0)
            return (entry & 3) == 0 ? EntryKind.Empty : EntryKind.Leaf;
        if ((uint)entry == _empty)
            return EntryKind.Empty;
        return (entry & 3) switch { 1 => EntryKind.Table, 2 => EntryKind.Leaf, _ => EntryKind.Empty };
    }

    /// <inheritdoc/>
    public ulong EmptyEntry(int level) => level == 0 ? _empty : 0;

    /// <inheritdoc/>
    public int LeafShift(int level, ulong entry) => level == 0 ? 20 : (entry & 2) != 0 ? 12 : 16;

    /// <inheritdoc/>
    public void LeafPattern(int level, int pageShift, out ulong mask, out ulong value)
    {
        mask = pageShift == 12 ? 2u : 3u;
        value = pageShift == 16 ? 1u : 2u;
    }

    /// <inheritdoc/>
    public PhysicalAddress LeafAddress(int level, ulong entry) =>
        new((entry & 0xFFFF_FFFF) << _addressShift & (ulong.MaxValue << LeafShift(level, entry)));

    /// <inheritdoc/>
    public Protection LeafProtection(int level, ulong entry)
    {
        if (IsWide)
            return (Protection)(entry >> (level == 0 ? 4 : 2)) & Protection.ReadWrite;
        var accessible = (entry & (1u << (level == 0 ? 10 : 4))) != 0;
        var readOnly = (entry & (1u << (level == 0 ? 15 : 9))) != 0;
        return !accessible ? Protection.None : readOnly ? Protection.Read : Protection.ReadWrite;
    }

    /// <inheritdoc/>
    public ulong MakeLeaf(int level, int pageShift, PhysicalAddress page, Protection protection)
    {
        LeafPattern(level, pageShift, out _, out var entry);
        if (IsWide)
            return entry | page.Value >> _addressShift | (ulong)(protection & Protection.ReadWrite) << (level == 0 ? 4 : 2);
        var rights = (protection & Protection.ReadWrite) switch { Protection.None => 0u, Protection.Read => 0x210u, _ => 0x10u };
        if (level == 0)
            rights = (rights & 0x10) << 6 | (rights & 0x200) << 6;
        return entry | page.Value | rights;
    }

    /// <inheritdoc/>
    public PhysicalAddress TableAddress(int level, ulong entry) => new((entry & 0xFFFF_FFC0) << _addressShift);

    /// <inheritdoc/>
    public Protection LinkProtection(int level, ulong entry) => Protection.ReadWrite;

    /// <inheritdoc/>
    public ulong MakeTable(int level, PhysicalAddress table) => table.Value >> _addressShift | 1;

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
