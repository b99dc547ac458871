using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;

namespace Aperture.Core.Tests.PageTables;

/// <summary>How the tests make a format, and what it is called.</summary>
public abstract class TableKind<TFormat>
    where TFormat : struct, IPageTableFormat
{
    public abstract TFormat NewFormat(TestMachine machine);
}

public sealed class OmapKind : TableKind<OmapFormat>
{
    public override OmapFormat NewFormat(TestMachine machine) => default;
}

public sealed class ExynosV1Kind : TableKind<ExynosV1Format>
{
    public override ExynosV1Format NewFormat(TestMachine machine) => new(machine.NewZeroTable());
}

public sealed class ExynosV5Kind : TableKind<ExynosV5Format>
{
    public override ExynosV5Format NewFormat(TestMachine machine) => new(machine.NewZeroTable());
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

public sealed class DeepKind : TableKind<DeepFormat>
{
    public override DeepFormat NewFormat(TestMachine machine) => new(reclaims: true);
}

public sealed class DeepKeepingKind : TableKind<DeepFormat>
{
    public override DeepFormat NewFormat(TestMachine machine) => new(reclaims: false);
}
