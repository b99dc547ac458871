using Aperture.Conformance.Vectors;
using Aperture.Datasheets.Exynos;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Exynos;
using Aperture.Hardware.Translation;

namespace Aperture.Conformance.Models;

/// <summary>Samsung SysMMUs: the version and capability registers tell which one.</summary>
public sealed class ExynosModelFamily : ModelFamily
{
    private const uint EnforcePermissions = 1 << 2; // MMU_CFG.EAP, which every known driver sets

    /// <inheritdoc/>
    public override string Driver => "exynos";

    /// <summary>The options of the unit that a file describes.</summary>
    public static SysMmuOptions Options(UnitFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        return SysMmuOptions.ForVersion(
            facts.Reset(SysMmuRegister.Version), facts.Reset(SysMmuV7Register.Capability0), facts.Reset(SysMmuV7Register.Capability1)) with
        {
            WindowSize = facts.Size,
            Capability = facts.Reset(SysMmuV5Register.Capability),
            CapabilityMore = facts.Reset(SysMmuV5Register.Capability1),
            ResetValues = facts.ResetValues,
        };
    }

    /// <inheritdoc/>
    public override TranslationUnit Create(SystemBus bus, UnitFacts facts) => new ExynosSysMmu(bus, Options(facts));

    /// <inheritdoc/>
    public override object Kind(UnitFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        return (facts.Reset(SysMmuRegister.Version), Options(facts).Layout);
    }

    /// <inheritdoc/>
    public override void Poke(TranslationUnit unit, uint offset, uint value) => ((ExynosSysMmu)unit).Poke(offset, value);

    /// <inheritdoc/>
    public override void Configure(TranslationUnit unit, VectorEvent model)
    {
        ArgumentNullException.ThrowIfNull(model);
        ((ExynosSysMmu)unit).BlockDelayPolls = model.Count("blockDelayPolls");
    }

    /// <inheritdoc/>
    public override bool IsTableBase(TranslationUnit unit, uint offset, uint value, out ulong table)
    {
        table = Layout(unit) == SysMmuLayout.V1 ? value : (ulong)value << 12;
        return offset == TableBase(unit);
    }

    /// <inheritdoc/>
    public override void Start(TranslationUnit unit, ulong table)
    {
        var layout = Layout(unit);
        Write(unit, SysMmuRegister.Config, EnforcePermissions);
        Write(unit, TableBase(unit), layout == SysMmuLayout.V1 ? table : table >> 12);
        if (layout == SysMmuLayout.V7Vm)
            Write(unit, SysMmuVmRegister.Block + SysMmuVmRegister.Control, 0x9);
        Write(unit, SysMmuRegister.Control, 0x5);
    }

    /// <inheritdoc/>
    public override ulong FaultAddress(TranslationUnit unit, DmaAccess access)
    {
        var isWrite = access == DmaAccess.Write;
        return Read(unit, Layout(unit) switch
        {
            SysMmuLayout.V1 when (Read(unit, SysMmuV1Register.InterruptStatus) & 1) != 0 => SysMmuV1Register.PageFaultAddress,
            SysMmuLayout.V1 => isWrite ? SysMmuV1Register.WriteFaultAddress : SysMmuV1Register.ReadFaultAddress,
            SysMmuLayout.V5 => isWrite ? SysMmuV5Register.WriteFaultAddress : SysMmuV5Register.ReadFaultAddress,
            SysMmuLayout.V7 => SysMmuV7Register.FaultAddress,
            _ => SysMmuVmRegister.FaultAddress,
        });
    }

    private static SysMmuLayout Layout(TranslationUnit unit) => ((ExynosSysMmu)unit).Options.Layout;

    private static uint TableBase(TranslationUnit unit) => TableBase(Layout(unit));

    /// <summary>The register that names the first-level table.</summary>
    internal static uint TableBase(SysMmuLayout layout) => layout switch
    {
        SysMmuLayout.V1 => SysMmuV1Register.TableBase,
        SysMmuLayout.V7Vm => SysMmuVmRegister.Block + SysMmuVmRegister.TableBase,
        _ => SysMmuV5Register.TableBase,
    };
}
