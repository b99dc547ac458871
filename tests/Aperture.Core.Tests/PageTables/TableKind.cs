using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;

namespace Aperture.Core.Tests.PageTables;

/// <summary>How the tests make a format, and what it is called.</summary>
public abstract class TableKind<TFormat>
    where TFormat : struct, IPageTableFormat
{
    public abstract TFormat NewFormat(TestMachine machine);

    /// <summary>Where the tests map: a multiple of the largest page that they use.</summary>
    public virtual ulong Window(TFormat format) => format.InputStart + 0x1000_0000;
}

public static class TablePages
{
    /// <summary>Bytes of the smallest page.</summary>
    public static ulong Of(IPageTableFormat format) => format.PageSizes & (~format.PageSizes + 1);
}

public sealed class OmapKind : TableKind<OmapFormat>
{
    public override OmapFormat NewFormat(TestMachine machine) => default;
}

public sealed class ExynosV1Kind : TableKind<ExynosFormat>
{
    public override ExynosFormat NewFormat(TestMachine machine) => new(isWide: false, machine.NewZeroTable());
}

public sealed class ExynosV5Kind : TableKind<ExynosFormat>
{
    public override ExynosFormat NewFormat(TestMachine machine) => new(isWide: true, machine.NewZeroTable());
}

public sealed class RockchipV1Kind : TableKind<RockchipFormat>
{
    public override RockchipFormat NewFormat(TestMachine machine) => new(isWide: false);
}

public sealed class RockchipV2Kind : TableKind<RockchipFormat>
{
    public override RockchipFormat NewFormat(TestMachine machine) => new(isWide: true);
}

public sealed class ArmShortKind : TableKind<ArmShortFormat>
{
    public override ArmShortFormat NewFormat(TestMachine machine) => new(new());
}

public sealed class MediaTekKind : TableKind<ArmShortFormat>
{
    public override ArmShortFormat NewFormat(TestMachine machine) =>
        new(new() { InputBits = 34, OutputBits = 35, MediaTek = true, MediaTekHighTables = true, HasPermissions = false });
}

public sealed class ArmShortUpperKind : TableKind<ArmShortFormat>
{
    public override ArmShortFormat NewFormat(TestMachine machine) => new(new() { InputBits = 31, Half = ArmShortHalf.Upper });
}

public sealed class Lpae4KKind : TableKind<ArmLpaeFormat>
{
    public override ArmLpaeFormat NewFormat(TestMachine machine) => new(new());
}

public sealed class Lpae4KUpperDirtyKind : TableKind<ArmLpaeFormat>
{
    public override ArmLpaeFormat NewFormat(TestMachine machine) => new(new() { InputBits = 39, Upper = true, TracksDirty = true });
}

public sealed class LpaeContiguousKind : TableKind<ArmLpaeFormat>
{
    public override ArmLpaeFormat NewFormat(TestMachine machine) => new(new() { Contiguous = true });
}

public sealed class LpaeContiguousDirtyKind : TableKind<ArmLpaeFormat>
{
    public override ArmLpaeFormat NewFormat(TestMachine machine) => new(new() { Contiguous = true, TracksDirty = true });
}

public sealed class Lpae16KStage2Kind : TableKind<ArmLpaeFormat>
{
    public override ArmLpaeFormat NewFormat(TestMachine machine) =>
        new(new() { Kind = ArmLpaeKind.Stage2, InputBits = 40, OutputBits = 40, PageSizes = ArmLpaeOptions.Granule16K });
}

public sealed class LpaeStage2DirtyKind : TableKind<ArmLpaeFormat>
{
    public override ArmLpaeFormat NewFormat(TestMachine machine) =>
        new(new() { Kind = ArmLpaeKind.Stage2, InputBits = 40, OutputBits = 40, TracksDirty = true });
}

public sealed class Lpae64KKind : TableKind<ArmLpaeFormat>
{
    public override ArmLpaeFormat NewFormat(TestMachine machine) =>
        new(new() { InputBits = 52, OutputBits = 52, PageSizes = ArmLpaeOptions.Granule64K, Contiguous = true });
}

public sealed class MaliKind : TableKind<ArmLpaeFormat>
{
    public override ArmLpaeFormat NewFormat(TestMachine machine) => new(new() { Kind = ArmLpaeKind.Mali, OutputBits = 40 });
}

public sealed class AmdKind : TableKind<AmdV1Format>
{
    public override AmdV1Format NewFormat(TestMachine machine) => new(3);
}

/// <summary>Two levels at first; the tests cross what they reach.</summary>
public sealed class AmdGrowingKind : TableKind<AmdV1Format>
{
    public override AmdV1Format NewFormat(TestMachine machine) => new(2);

    public override ulong Window(AmdV1Format format) => (1UL << 30) - (32 << 20);
}

public sealed class TegraKind : TableKind<TegraFormat>
{
    public override TegraFormat NewFormat(TestMachine machine) => new(34, hasSections: true);
}

public sealed class DeepKind : TableKind<DeepFormat>
{
    public override DeepFormat NewFormat(TestMachine machine) => new(reclaims: true);
}

public sealed class DeepKeepingKind : TableKind<DeepFormat>
{
    public override DeepFormat NewFormat(TestMachine machine) => new(reclaims: false);
}
