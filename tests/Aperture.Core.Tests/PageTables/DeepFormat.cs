using Aperture.Core.PageTables;

namespace Aperture.Core.Tests.PageTables;

/// <summary>A format of three levels with 64-bit entries that no hardware has: it takes the engine where two levels do not.
/// Pages of 4 KiB, 64 KiB (sixteen entries), 512 KiB and 64 MiB.</summary>
public readonly struct DeepFormat(bool reclaims) : IPageTableFormat
{
    private const ulong AddressMask = 0x000F_FFFF_FFFF_F000;

    public int EntryBytes => 8;

    public int Levels => 3;

    public int StartLevel => 0;

    public ulong InputStart => 0;

    public int InputBits => 33;

    public int OutputBits => 40;

    public int TableBits => 40;

    public ulong PageSizes => 1UL << 12 | 1UL << 16 | 1UL << 19 | 1UL << 26;

    public TableReclaim Reclaim => reclaims ? TableReclaim.WhenEmpty : TableReclaim.Never;

    public int Shift(int level) => 26 - (7 * level);

    public int IndexBits(int level) => 7;

    public int TableAlignment(int level) => 1024;

    public int LevelOfPage(int pageShift) => pageShift >= 26 ? 0 : pageShift >= 19 ? 1 : 2;

    public ulong ReplicaStep(int level, int pageShift) => 0;

    public EntryKind Classify(int level, ulong entry) =>
        (entry & 3) switch { 1 when level < 2 => EntryKind.Table, 2 => EntryKind.Leaf, _ => EntryKind.Empty };

    public ulong EmptyEntry(int level) => 0x100;

    public int LeafShift(int level, ulong entry) => (entry & 4) != 0 ? 16 : Shift(level);

    public void LeafPattern(int level, int pageShift, out ulong mask, out ulong value)
    {
        mask = 7;
        value = pageShift == 16 ? 6u : 2u;
    }

    public PhysicalAddress LeafAddress(int level, ulong entry) => new(entry & AddressMask & (ulong.MaxValue << LeafShift(level, entry)));

    public Protection LeafProtection(int level, ulong entry) => (Protection)(entry >> 4) & Protection.ReadWrite;

    public ulong MakeLeaf(int level, int pageShift, PhysicalAddress page, Protection protection) =>
        page.Value | ((ulong)(protection & Protection.ReadWrite) << 4) | (pageShift == 16 ? 6u : 2u);

    public PhysicalAddress TableAddress(int level, ulong entry) => new(entry & 0x000F_FFFF_FFFF_FC00);

    public Protection LinkProtection(int level, ulong entry) => Protection.ReadWrite;

    public ulong MakeTable(int level, PhysicalAddress table) => table.Value | 1;

    public Status CheckProtection(Protection protection) => Status.Ok;

    public bool IsDirty(int level, ulong entry) => false;

    public ulong MakeClean(int level, ulong entry) => entry;

    public ulong MakeDirty(int level, ulong entry) => entry;

    public bool IsAccessed(int level, ulong entry) => true;

    public ulong MakeAccessed(int level, ulong entry) => entry;
}
