using Aperture.Core;
using Aperture.Core.PageTables;

namespace Aperture.Pocket.Tests.Software;

/// <summary>The tables of the Pocket MMU: two levels of 1024 words, pages of 4 KiB and 4 MiB.</summary>
/// <remarks>
/// <code>31..12 address | 11 table | 1 write | 0 read</code>
/// </remarks>
internal readonly struct PocketFormat : IPageTableFormat
{
    private const ulong Table = 0x800;
    private const ulong AddressMask = 0xFFFF_F000;

    public int EntryBytes => 4;

    public int Levels => 2;

    public int StartLevel => 0;

    public ulong InputStart => 0;

    public int InputBits => 32;

    public int OutputBits => 32;

    public int TableBits => 32;

    public ulong PageSizes => 1UL << 12 | 1UL << 22;

    public TableReclaim Reclaim => TableReclaim.Never;

    public int Shift(int level) => level == 0 ? 22 : 12;

    public int IndexBits(int level) => 10;

    public int TableAlignment(int level) => 4096;

    public int LevelOfPage(int pageShift) => pageShift == 22 ? 0 : 1;

    public ulong ReplicaStep(int level, int pageShift) => 0;

    public EntryKind Classify(int level, ulong entry) =>
        entry == 0 ? EntryKind.Empty : (entry & Table) != 0 ? EntryKind.Table : EntryKind.Leaf;

    public ulong EmptyEntry(int level) => 0;

    public int LeafShift(int level, ulong entry) => Shift(level);

    public void LeafPattern(int level, int pageShift, out ulong mask, out ulong value)
    {
        mask = Table;
        value = 0;
    }

    public PhysicalAddress LeafAddress(int level, ulong entry) => new(entry & AddressMask);

    public Protection LeafProtection(int level, ulong entry) => (Protection)entry & Protection.ReadWrite;

    public ulong MakeLeaf(int level, int pageShift, PhysicalAddress page, Protection protection) =>
        (page.Value & AddressMask) | (ulong)(protection & Protection.ReadWrite);

    public PhysicalAddress TableAddress(int level, ulong entry) => new(entry & AddressMask);

    public Protection LinkProtection(int level, ulong entry) => Protection.ReadWrite;

    public ulong MakeTable(int level, PhysicalAddress table) => (table.Value & AddressMask) | Table;

    public Status CheckProtection(Protection protection) =>
        (protection & Protection.ReadWrite) != 0 && (protection & Protection.FormatMask) == 0 ? Status.Ok : Status.InvalidArgument;

    public bool IsDirty(int level, ulong entry) => false;

    public ulong MakeClean(int level, ulong entry) => entry;

    public ulong MakeDirty(int level, ulong entry) => entry;

    public bool IsAccessed(int level, ulong entry) => true;

    public ulong MakeAccessed(int level, ulong entry) => entry;
}
