using Aperture.Conformance.Models;
using Aperture.Conformance.Vectors;
using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;
using Aperture.Datasheets.Exynos;
using Aperture.Devices;
using Aperture.Drivers.Exynos;
using Aperture.Hardware.Exynos;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Conformance.Drivers;

/// <summary>Samsung SysMMUs.</summary>
public class ExynosDriverFamily : DriverFamily
{
    /// <inheritdoc/>
    public override ModelFamily Models { get; } = new ExynosModelFamily();

    /// <inheritdoc/>
    public override bool CountsHoles => true;

    /// <inheritdoc/>
    public override int LargestPageShift => 20;

    /// <inheritdoc/>
    public override IDriver CreateDriver(IommuCore core, Func<string, UnitFacts> facts) =>
        new ExynosIommuDriver(core, new ExynosDriverOptions { FlushesUnstalled = true, FlushesRanges = false });

    /// <inheritdoc/>
    public override IEnumerable<string> Clocks(VectorEvent probe)
    {
        ArgumentNullException.ThrowIfNull(probe);
        return probe.Text("clocks").Split(',').Where(clock => clock is not ("" or "none"));
    }

    /// <inheritdoc/>
    public override void CheckProbe(ReplayPart part, VectorEvent probe, IommuUnit unit)
    {
        ArgumentNullException.ThrowIfNull(part);
        ArgumentNullException.ThrowIfNull(probe);
        if (!probe.Has("major") || unit is not ExynosSysMmuUnit mmu)
            return;
        part.CheckNumber(probe.Line, "major version", probe.Number("major"), mmu.Identity.Version.Major);
        part.CheckNumber(probe.Line, "minor version", probe.Number("minor"), mmu.Identity.Version.Minor);
        part.Check(
            probe.Flag("hasVcr") == mmu.Identity.HasVm,
            probe.Line,
            () => $"register blocks per virtual machine: {probe.Flag("hasVcr")}",
            () => $"{mmu.Identity.HasVm}");
    }

    /// <inheritdoc/>
    public override IPageTableFormat Format(IommuDomain domain, ulong? zeroTable)
    {
        var format = ((PagingDomain<ExynosFormat>)domain).Table.Format;
        return zeroTable is { } zero ? new ExynosFormat(format.IsWide, new PhysicalAddress(zero)) : format;
    }

    /// <inheritdoc/>
    public override ulong Root(IommuDomain domain) => ((PagingDomain<ExynosFormat>)domain).Table.Root.Value;

    /// <inheritdoc/>
    public override IEnumerable<ControlRegister> Controls(TranslationUnit model)
    {
        yield return new("MMU_CTRL", SysMmuRegister.Control, uint.MaxValue);
        yield return new("MMU_CFG", SysMmuRegister.Config, uint.MaxValue);
        var layout = ((ExynosSysMmu)model).Options.Layout;
        yield return new("table base", ExynosModelFamily.TableBase(layout), uint.MaxValue, OnlyWhileTranslating: true, IsTableBase: true);
        if (layout == SysMmuLayout.V7Vm)
            yield return new("CTRL_VM", SysMmuVmRegister.Block + SysMmuVmRegister.Control, uint.MaxValue, OnlyWhileTranslating: true);
    }

    /// <inheritdoc/>
    public override bool IsTranslating(Func<uint, uint> read)
    {
        ArgumentNullException.ThrowIfNull(read);
        return new SysMmuControl(read(SysMmuRegister.Control)) is { IsEnabled: true, IsBlocked: false };
    }

    /// <inheritdoc/>
    public override IEnumerable<uint> FaultState(TranslationUnit model) => ((ExynosSysMmu)model).Options.Layout == SysMmuLayout.V1
        ? [SysMmuV1Register.InterruptStatus, SysMmuV1Register.PageFaultAddress, SysMmuV1Register.WriteFaultAddress,
            SysMmuV1Register.ReadFaultAddress, SysMmuV1Register.DefaultSlaveAddress]
        : [SysMmuV5Register.InterruptStatus, SysMmuV5Register.ReadFaultAddress, SysMmuV5Register.ReadFaultInfo,
            SysMmuV5Register.WriteFaultAddress, SysMmuV5Register.WriteFaultInfo, .. VmFault(model)];

    /// <inheritdoc/>
    public override void UndoFault(TranslationUnit model, IReadOnlyDictionary<uint, uint> state)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(state);
        foreach (var (offset, value) in state)
            Models.Poke(model, offset, value);
        model.TryWrite(SysMmuRegister.Control, sizeof(uint), SysMmuControl.Running.Value);
    }

    /// <inheritdoc/>
    public override ulong FaultAddress(Func<uint, uint> read, int context)
    {
        ArgumentNullException.ThrowIfNull(read);
        return read(SysMmuVmRegister.FaultAddress + ((uint)context * SysMmuVmRegister.FaultStride));
    }

    private static uint[] VmFault(TranslationUnit model) =>
        ((ExynosSysMmu)model).Options.Layout == SysMmuLayout.V7Vm ? [SysMmuVmRegister.FaultAddress, SysMmuVmRegister.FaultInfo] : [];
}
