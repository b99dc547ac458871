using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;

namespace Aperture.Drivers.Tests.Iommu;

/// <summary>A format that no unit has.</summary>
public readonly struct AlienFormat : IPageTableFormat
{
    private static OmapFormat Like => default;

    public int EntryBytes => Like.EntryBytes;

    public int Levels => Like.Levels;

    public int StartLevel => Like.StartLevel;

    public ulong InputStart => Like.InputStart;

    public int InputBits => Like.InputBits;

    public int OutputBits => Like.OutputBits;

    public int TableBits => Like.TableBits;

    public ulong PageSizes => Like.PageSizes;

    public TableReclaim Reclaim => Like.Reclaim;

    public int Shift(int level) => Like.Shift(level);

    public int IndexBits(int level) => Like.IndexBits(level);

    public int TableAlignment(int level) => Like.TableAlignment(level);

    public int LevelOfPage(int pageShift) => Like.LevelOfPage(pageShift);

    public ulong ReplicaStep(int level, int pageShift) => Like.ReplicaStep(level, pageShift);

    public EntryKind Classify(int level, ulong entry) => Like.Classify(level, entry);

    public ulong EmptyEntry(int level) => Like.EmptyEntry(level);

    public int LeafShift(int level, ulong entry) => Like.LeafShift(level, entry);

    public void LeafPattern(int level, int pageShift, out ulong mask, out ulong value) =>
        Like.LeafPattern(level, pageShift, out mask, out value);

    public PhysicalAddress LeafAddress(int level, ulong entry) => Like.LeafAddress(level, entry);

    public Protection LeafProtection(int level, ulong entry) => Like.LeafProtection(level, entry);

    public ulong MakeLeaf(int level, int pageShift, PhysicalAddress page, Protection protection) =>
        Like.MakeLeaf(level, pageShift, page, protection);

    public PhysicalAddress TableAddress(int level, ulong entry) => Like.TableAddress(level, entry);

    public Protection LinkProtection(int level, ulong entry) => Protection.ReadWrite;

    public ulong MakeTable(int level, PhysicalAddress table) => Like.MakeTable(level, table);

    public Status CheckProtection(Protection protection) => Like.CheckProtection(protection);

    public bool IsDirty(int level, ulong entry) => Like.IsDirty(level, entry);

    public ulong MakeClean(int level, ulong entry) => Like.MakeClean(level, entry);

    public ulong MakeDirty(int level, ulong entry) => Like.MakeDirty(level, entry);

    public bool IsAccessed(int level, ulong entry) => Like.IsAccessed(level, entry);

    public ulong MakeAccessed(int level, ulong entry) => Like.MakeAccessed(level, entry);
}
