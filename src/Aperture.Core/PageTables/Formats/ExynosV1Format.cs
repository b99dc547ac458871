namespace Aperture.Core.PageTables.Formats;

/// <summary>The tables of Samsung's SysMMU up to version 3: two levels of 32-bit descriptors, pages of 4 KiB, 64 KiB (sixteen
/// equal entries) and 1 MiB, 32-bit addresses, rights in the ARM manner. A page that may only be written can also be read.</summary>
/// <remarks>
/// Source: recorded driver behaviour. An unused first-level entry is a link to a second-level table of zeros that all
/// domains share, so that a unit never caches a faulting first-level entry.
/// <code>
/// level 0: link    31..6 table | 01     section    31..20 page | 15 read only | 10 accessible | 10
/// level 1: large   31..16 page | 9 read only | 4 accessible | 01
///          small   31..12 page | 9 read only | 4 accessible | 1x
/// </code>
/// </remarks>
public readonly struct ExynosV1Format : IPageTableFormat
{
    private readonly uint _empty; // first-level entry that means nothing: the link to the shared table of zeros, or 0

    /// <summary>Makes the format.</summary>
    /// <param name="zeroTable">The shared second-level table of zeros; null to leave unused first-level entries zero.</param>
    public ExynosV1Format(PhysicalAddress? zeroTable) =>
        _empty = zeroTable is { } table ? (uint)table.Value | 1 : 0;

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
        new(entry & 0xFFFF_FFFF & (ulong.MaxValue << LeafShift(level, entry)));

    /// <inheritdoc/>
    public Protection LeafProtection(int level, ulong entry)
    {
        var accessible = (entry & (1u << (level == 0 ? 10 : 4))) != 0;
        var readOnly = (entry & (1u << (level == 0 ? 15 : 9))) != 0;
        return !accessible ? Protection.None : readOnly ? Protection.Read : Protection.ReadWrite;
    }

    /// <inheritdoc/>
    public ulong MakeLeaf(int level, int pageShift, PhysicalAddress page, Protection protection)
    {
        LeafPattern(level, pageShift, out _, out var entry);
        var rights = (protection & Protection.ReadWrite) switch { Protection.None => 0u, Protection.Read => 0x210u, _ => 0x10u };
        if (level == 0)
            rights = (rights & 0x10) << 6 | (rights & 0x200) << 6;
        return entry | page.Value | rights;
    }

    /// <inheritdoc/>
    public PhysicalAddress TableAddress(int level, ulong entry) => new(entry & 0xFFFF_FFC0);

    /// <inheritdoc/>
    public ulong MakeTable(int level, PhysicalAddress table) => table.Value | 1;

    /// <inheritdoc/>
    public Status CheckProtection(Protection protection) =>
        (protection & Protection.FormatMask) == 0 ? Status.Ok : Status.InvalidArgument;

    /// <inheritdoc/>
    public bool IsDirty(int level, ulong entry) => false;

    /// <inheritdoc/>
    public ulong MakeClean(int level, ulong entry) => entry;
}
