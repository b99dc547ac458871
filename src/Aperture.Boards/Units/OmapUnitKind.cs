using Aperture.Boards.Checking;
using Aperture.Conformance.Drivers;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Omap;
using Aperture.DeviceTrees;
using Aperture.Drivers.Omap;
using Aperture.Hardware.Omap;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Boards.Units;

/// <summary>TI's MMUs of OMAP and DRA7. Which one a node is follows from its <c>compatible</c> string and board; docs/units/omap-mmu.md has
/// the assumptions.</summary>
public sealed class OmapUnitKind : UnitKind
{
    private const string Omap2 = "ti,omap2-iommu";
    private const string Dra7 = "ti,dra7-iommu";
    private const string Dra7Dsp = "ti,dra7-dsp-iommu";
    private const string SystemProperty = "ti,syscon-mmuconfig";
    private const ulong SystemBytes = DspSystemRegisters.MmuConfig + sizeof(uint);

    /// <inheritdoc/>
    public override IReadOnlyList<UnitBinding> Bindings { get; } =
        [.. ((string[])[Omap2, "ti,omap4-iommu", Dra7, Dra7Dsp]).Select(name => new UnitBinding(name, "TI OMAP "
            + "MMU", 0, 0, 0) { TableBits = 32 })];

    /// <inheritdoc/>
    public override DriverFamily Conformance { get; } = new OmapDriverFamily();

    /// <inheritdoc/>
    public override ulong SmallestWindow(DeviceTreeNode node) => OmapRegisters.EmuFaultAddress;

    /// <inheritdoc/>
    public override TranslationUnit CreateModel(UnitSite site)
    {
        ArgumentNullException.ThrowIfNull(site);
        var mmu = new OmapMmu(site.Bus, OptionsOf(site.Node, site.Compatible) with { WindowSize = site.Size });
        if (site.Node.References(SystemProperty, null) is [{ Target: { } system }, ..])
            ConnectSystem(site, system, mmu);
        return mmu;
    }

    /// <inheritdoc/>
    public override IIommuDriver CreateDriver(Machine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        return new OmapIommuDriver(machine.Iommu);
    }

    /// <inheritdoc/>
    /// <remarks>The registers of the module around a unit are among the unit's own.</remarks>
    public override void Check(UnitCheck check)
    {
        ArgumentNullException.ThrowIfNull(check);
        const string entries = "ti,#tlb-entries";
        if (check.Node.Has(entries) && check.Node.U32(entries) is not (8 or 32))
            check.Problem(FindingCode.Reg, $"{entries} is not 8 or 32, which an OMAP MMU has: correct it");
        if (check.Node.IsCompatible(Dra7Dsp))
            CheckSystem(check);
        if (check.Node.Parent is not { } module || !module.IsCompatible("ti,sysc")
            || check.Node.Registers() is not [{ Address: { } start, Length: > 0 and var size }, ..])
            return;
        foreach (var block in module.Registers())
        {
            if (block is { Address: { } address, Length: > 0 } && !new MemoryRange(start, size).Contains(address, block.Length))
            {
                check.Problem(
                    FindingCode.Reg,
                    $"reg does not hold the registers of {module.Path} at {address}, which are a part of the MMU: correct one of them");
            }
        }
    }

    private static void CheckSystem(UnitCheck check)
    {
        var system = check.Node.References(SystemProperty, null) is [{ IsValid: true } reference, ..] ? reference.Target : null;
        if (system?.Registers() is not [{ Address: not null, Length: >= SystemBytes }, ..]
            || check.Node.Property(SystemProperty) is not { CellCount: >= 2 } property || property.Cell(1) >= DspSystemRegisters.Mmus)
        {
            check.Problem(
                FindingCode.Reg,
                $"{SystemProperty} names no DSP_SYSTEM block of 0x{SystemBytes:x} bytes or more, and one of its "
                    + $"{DspSystemRegisters.Mmus} MMUs: write it "
                    + "as <&block number>");
        }
    }

    private static OmapMmuOptions OptionsOf(DeviceTreeNode node, string compatible)
    {
        var options = compatible switch
        {
            Omap2 => node.Tree.Root.IsCompatible("ti,omap2") ? OmapMmuOptions.Omap2 : OmapMmuOptions.Omap3,
            Dra7Dsp => OmapMmuOptions.Dra7Dsp,
            Dra7 => OmapMmuOptions.Dra7Ipu,
            _ => node.Has("ti,iommu-bus-err-back") ? OmapMmuOptions.Omap4Ipu : OmapMmuOptions.Omap4Dsp,
        };
        return options with { TlbEntries = (int)Math.Min(node.U32("ti,#tlb-entries") ?? 32, 32) };
    }

    /// <summary>DRA7: a block beside the MMUs of a DSP switches each of them on; the driver finds its registers as the last
    /// region.</summary>
    private static void ConnectSystem(UnitSite site, DeviceTreeNode system, OmapMmu mmu)
    {
        if (site.Node.Property(SystemProperty) is not { CellCount: >= 2 } property
            || property.Cell(1) is not (< DspSystemRegisters.Mmus and var index)
            || site.Neighbour(system, _ => new DspSystem()) is not { } model)
            throw new ApertureException(Status.InvalidArgument, $"{SystemProperty} names no block with registers and an MMU of it");
        model.Connect((int)index, mmu);
        site.AddRegisters(system);
    }
}
