using Aperture.Boards.Wiring;
using Aperture.Core;
using Aperture.Datasheets.Omap;
using Aperture.Datasheets.Tegra;
using Aperture.Devices;
using Aperture.DeviceTrees;
using Aperture.Hardware.Msm;
using Aperture.Hardware.Omap;
using Aperture.Hardware.Rockchip;
using Aperture.Hardware.Tegra;
using Aperture.Power;

namespace Aperture.Boards;

// The IOMMUs.
public sealed partial class Machine
{
    private readonly Dictionary<DeviceTreeNode, DspSystem> _dspSystems = []; // DRA7's DSP_SYSTEM blocks, by node

    private void BuildUnits()
    {
        foreach (var node in Tree.Devices().Where(UnitModels.Has))
        {
            if (node.Registers() is not [{ Address: { } address, Length: > 0 } block, ..])
                throw new ApertureException(Status.InvalidArgument, $"{node.Path}: an IOMMU needs a 'reg' that the CPU can reach");
            var model = UnitModels.Create(node, block.Length, Bus, _options);
            Attach(node, address, model);
            model.ClockFrom([.. GatesOf(node, GateKind.Clock)]);
            foreach (var reset in GatesOf(node, GateKind.Reset))
                model.ResetFrom(reset);
            foreach (var power in GatesOf(node, GateKind.PowerDomain))
                model.PowerFrom(power);
            var device = MakeDevice(node, node.Compatible);
            ConnectInterrupt(node, model.Interrupt);
            if (model is MsmIommu iommu)
                ConnectMoreInterrupts(node, iommu);
            if (model is OmapMmu mmu)
                ConnectDspSystem(node, mmu, device);
            if (model is RockchipIommu rockchip)
                AttachMmus(node, rockchip);
            if (model is TegraSmmu smmu)
                ConnectAhb(smmu, device);
            _units.Add(new BoardUnit(node, device, model));
        }
    }

    /// <summary>MSM: each context bank chooses one of the unit's lines, which are the interrupts of the node in their order.</summary>
    private void ConnectMoreInterrupts(DeviceTreeNode node, MsmIommu iommu)
    {
        foreach (var (reference, line) in node.Interrupts().Zip(iommu.Lines).Skip(1))
            WireOf(reference).Connect(line);
    }

    /// <summary>Rockchip: each MMU of a unit has registers of its own; those of the first are the unit's.</summary>
    private void AttachMmus(DeviceTreeNode node, RockchipIommu unit)
    {
        var blocks = node.Registers();
        for (var i = 1; i < unit.Mmus.Count; i++)
        {
            if (blocks[i].Address is not { } address || blocks[i].Length != unit.Size)
                throw new ApertureException(Status.InvalidArgument, $"{node.Path}: the MMUs of an IOMMU have register windows of one size that the CPU can reach");
            Attach(node, address, unit.Mmus[i]);
        }
    }

    /// <summary>DRA7: a block beside the MMUs of a DSP switches each of them on; the driver finds its registers as the last region.</summary>
    private void ConnectDspSystem(DeviceTreeNode node, OmapMmu mmu, Device device)
    {
        if (node.References("ti,syscon-mmuconfig", null) is not [{ Target: { } system }, ..])
            return;
        if (node.Property("ti,syscon-mmuconfig") is not { CellCount: >= 2 } property || property.Cell(1) >= DspSystemRegisters.Mmus || system.Registers() is not [{ Address: { } address, Length: > 0 } block, ..])
            throw new ApertureException(Status.InvalidArgument, $"{node.Path}: ti,syscon-mmuconfig names no block with registers and an MMU of it");
        if (!_dspSystems.TryGetValue(system, out var model))
        {
            model = new DspSystem();
            _dspSystems.Add(system, model);
            Attach(system, address, model);
        }

        model.Connect((int)property.Cell(1), mmu);
        device.Registers.Add(new BusRegisterRegion(Bus, address, block.Length, $"{device.Name} {system.DeviceName}"));
    }

    /// <summary>Tegra: the AHB arbiter lets masters past the SMMU until it is told otherwise; the driver finds its registers as the last region.</summary>
    private void ConnectAhb(TegraSmmu smmu, Device device)
    {
        var arbiter = Tree.Devices().FirstOrDefault(node => node.IsCompatible("nvidia,tegra30-ahb"));
        if (arbiter?.Registers() is not [{ Address: { } address, Length: > TegraAhbRegister.CrossbarControl and <= UnitModels.LargestWindow } block, ..])
            return; // a chip without masters on an AHB
        var model = new TegraAhb(smmu, (uint)block.Length);
        Attach(arbiter, address, model);
        device.Registers.Add(new BusRegisterRegion(Bus, address, model.Size, $"{device.Name} {arbiter.DeviceName}"));
    }
}
