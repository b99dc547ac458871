using Aperture.Core;
using Aperture.Datasheets.Pci;
using Aperture.Hardware.Pci;
using Aperture.Hardware.Tests.Masters;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Pci;

/// <summary>What functions do of their own: DMA, messages, and what keeps them from it.</summary>
public sealed class PciAccessTests : IDisposable
{
    private static readonly PciAddress s_first = new(0, 1, 0);
    private static readonly Iova s_ram = new(PciRig.Ram);

    private readonly PciRig _rig = new();
    private readonly WordBlock _block = new();

    public void Dispose() => _rig.Dispose();

    private PciFunction Put(PciFunctionOptions? options = null)
    {
        var function = new PciFunction(_rig.Bus, new PciIdentity(1, 2), options);
        function.AddBar(0, new PciBar(_block));
        function.Connect(_block.Interrupt);
        _rig.Host.Root.Add(function, 1);
        return function;
    }

    private static DmaStatus Write(PciFunction function, uint value, ulong at = PciRig.Ram) =>
        function.Port.Write(new Iova(at), BitConverter.GetBytes(value), out _);

    [Fact]
    public void Without_bus_mastering_there_is_no_DMA()
    {
        var function = Put();
        Assert.Equal(DmaStatus.BusError, Write(function, 1));
        _rig.Enable(s_first);
        Assert.Equal(DmaStatus.Ok, Write(function, 2));
        _rig.Enable(s_first, 0, PciCommand.MemorySpace);
        Assert.Equal(DmaStatus.BusError, Write(function, 3));
        Assert.Equal(2u, _rig.Word(PciRig.Ram));
    }

    [Fact]
    public void A_bridge_without_bus_mastering_lets_nothing_up()
    {
        var port = new PciBridge(_rig.Bus, PciBridgeKind.RootPort);
        var function = new PciFunction(_rig.Bus, new PciIdentity(1, 2));
        _rig.Host.Root.Add(port, 2);
        port.Secondary.Add(function, 0);
        _rig.Bridge(new PciAddress(0, 2, 0), 1, 1);
        _rig.Enable(new PciAddress(1, 0, 0));
        Assert.Equal(DmaStatus.Ok, Write(function, 1));
        _rig.Write16(new PciAddress(0, 2, 0), PciRegisters.Command, (ushort)PciCommand.MemorySpace);
        Assert.Equal(DmaStatus.BusError, Write(function, 2));
    }

    [Fact]
    public void In_D3hot_only_configuration_space_answers()
    {
        var function = Put();
        _rig.Enable(s_first, (uint)PciRig.Window);
        _rig.Bus.TryWriteRegister(new PhysicalAddress(PciRig.Window), 4, 5);
        var control = _rig.Find(s_first, CapabilityId.PowerManagement) + PowerManagement.Control;
        _rig.Write16(s_first, control, 1); // D1, which it has not
        Assert.True(function.IsOn);
        _rig.Write16(s_first, control, PowerManagement.D3Hot);
        Assert.Equal((false, false), (function.IsOn, _block.Answers));
        Assert.Equal(uint.MaxValue, _rig.Word(PciRig.Window));
        Assert.Equal(DmaStatus.BusError, Write(function, 1));
        Assert.Equal(1, _rig.Read16(s_first, PciRegisters.Vendor));
        _rig.Write16(s_first, control, 0);
        Assert.Equal(5u, _rig.Word(PciRig.Window));
        Assert.Equal(DmaStatus.Ok, Write(function, 1));
    }

    [Fact]
    public void Out_of_D3hot_a_function_that_keeps_nothing_is_reset()
    {
        Put(new PciFunctionOptions { KeepsStateInD3 = false });
        _rig.Enable(s_first, (uint)PciRig.Window);
        var control = _rig.Find(s_first, CapabilityId.PowerManagement) + PowerManagement.Control;
        var resets = _block.Resets;
        _rig.Write16(s_first, control, PowerManagement.D3Hot);
        _rig.Write16(s_first, control, 0);
        Assert.Equal((0, 0u, resets + 1),
            (_rig.Read16(s_first, PciRegisters.Command), _rig.Read32(s_first, PciRegisters.Bar0), _block.Resets));
    }

    [Fact]
    public void A_function_level_reset_forgets_everything_of_the_function_alone()
    {
        var function = Put(new PciFunctionOptions { MsiVectors = 1 });
        var other = new PciFunction(_rig.Bus, new PciIdentity(3, 4));
        _rig.Host.Root.Add(other, 1, 1);
        _rig.Enable(s_first, (uint)PciRig.Window);
        _rig.Enable(new PciAddress(0, 1, 1));
        var resets = _block.Resets;
        var control = _rig.Find(s_first, CapabilityId.Express) + ExpressRegisters.DeviceControl;
        _rig.Write16(s_first, control, ExpressRegisters.InitiateReset);
        Assert.Equal(0, _rig.Read16(s_first, control));
        Assert.Equal((0, 0u), (_rig.Read16(s_first, PciRegisters.Command), _rig.Read32(s_first, PciRegisters.Bar0)));
        Assert.Equal(resets + 1, _block.Resets);
        Assert.Equal(DmaStatus.BusError, Write(function, 1));
        Assert.Equal(DmaStatus.Ok, Write(other, 1));
        Assert.Equal(0x80u, _rig.Read(s_first, PciRegisters.HeaderType, 1));
    }

    [Fact]
    public void What_was_pulled_out_reads_ones_and_gets_to_no_memory()
    {
        var function = Put();
        _rig.Enable(s_first, (uint)PciRig.Window);
        _rig.Host.Root.Remove(function);
        Assert.Equal(uint.MaxValue, _rig.Read32(s_first, PciRegisters.Vendor));
        Assert.Equal(uint.MaxValue, _rig.Word(PciRig.Window));
        Assert.Equal((DmaStatus.BusError, false), (Write(function, 1), _block.Answers));
        _rig.Host.Root.Add(function, 2);
        Assert.Equal(DmaStatus.BusError, Write(function, 1));
        _rig.Enable(new PciAddress(0, 2, 0), (uint)PciRig.Window);
        Assert.Equal((DmaStatus.Ok, 0u), (Write(function, 1), _rig.Word(PciRig.Window)));
    }

    [Fact]
    public void A_slot_tells_of_what_comes_and_goes()
    {
        var port = new PciBridge(_rig.Bus, PciBridgeKind.RootPort, hasSlot: true);
        _rig.Host.Root.Add(port, 2);
        var bridge = new PciAddress(0, 2, 0);
        _rig.Bridge(bridge, 1, 1);
        var express = _rig.Find(bridge, CapabilityId.Express);
        var msi = _rig.Find(bridge, CapabilityId.Msi);
        _rig.Write32(bridge, msi + MsiRegisters.Address, (uint)PciRig.Ram + 0x40);
        _rig.Write16(bridge, msi + MsiRegisters.Data, 9);
        _rig.Write16(bridge, msi + MsiRegisters.Control, MsiControl.Enable);
        _rig.Write16(bridge, express + ExpressRegisters.SlotControl,
            ExpressRegisters.PresenceChangeEnable | ExpressRegisters.HotPlugInterrupt);
        var function = new PciFunction(_rig.Bus, new PciIdentity(1, 2));
        port.Secondary.Add(function, 0);
        Assert.Equal(ExpressRegisters.Present | ExpressRegisters.PresenceChanged,
            _rig.Read16(bridge, express + ExpressRegisters.SlotStatus));
        Assert.Equal(9u, _rig.Word(PciRig.Ram + 0x40));
        _rig.Write16(bridge, express + ExpressRegisters.SlotStatus, ExpressRegisters.PresenceChanged);
        port.Secondary.Remove(function);
        Assert.Equal(ExpressRegisters.PresenceChanged, _rig.Read16(bridge, express + ExpressRegisters.SlotStatus));
        Assert.Equal(2ul, port.Messages[0].Sent);
    }

    [Fact]
    public void A_requester_id_follows_the_bus_number_and_leads_to_a_unit()
    {
        var unit = default(PageUnit);
        var asked = new List<PciAddress>();
        using var rig = new PciRig(id =>
        {
            asked.Add(id);
            return id.Bus == 7 ? new PciUpstream(unit, new StreamId(1000u + id.Value)) : new PciUpstream(null, default) { IsOpen = false };
        });
        unit = new PageUnit(rig.Bus) { Otherwise = TranslationStatus.Aborted };
        unit.Map(0x1000, new PhysicalAddress(PciRig.Ram + 0x2000), 4096);
        var port = new PciBridge(rig.Bus, PciBridgeKind.RootPort);
        var function = new PciFunction(rig.Bus, new PciIdentity(1, 2));
        port.Secondary.Add(function, 0);
        rig.Host.Root.Add(port, 2);
        rig.Bridge(new PciAddress(0, 2, 0), 6, 6);
        rig.Enable(new PciAddress(6, 0, 0));
        Assert.Equal(DmaStatus.BusError, Write(function, 1, 0x1000));
        rig.Bridge(new PciAddress(0, 2, 0), 7, 7);
        Assert.Equal(DmaStatus.Ok, Write(function, 2, 0x1004));
        Assert.Equal(DmaStatus.Refused, Write(function, 3, 0x5000));
        Assert.Equal((2u, 1000u + (7u << 8)), (rig.Word(PciRig.Ram + 0x2004), function.Port.Stream.Value));
        Assert.Equal(asked.Count, asked.Distinct().Count());
    }

    [Fact]
    public void Behind_a_bridge_to_PCI_everybody_has_the_bridges_number()
    {
        var port = new PciBridge(_rig.Bus, PciBridgeKind.RootPort);
        var bridge = new PciBridge(_rig.Bus, PciBridgeKind.ExpressToPci);
        var conventional = new PciFunctionOptions { Express = null };
        PciFunction[] functions =
            [.. Enumerable.Range(0, 2).Select(_ => new PciFunction(_rig.Bus, new PciIdentity(1, 2), conventional))];
        port.Secondary.Add(bridge, 0);
        for (var i = 0; i < functions.Length; i++)
            bridge.Secondary.Add(functions[i], 4 + i);
        _rig.Host.Root.Add(port, 2);
        _rig.Bridge(new PciAddress(0, 2, 0), 1, 2);
        _rig.Bridge(new PciAddress(1, 0, 0), 2, 2);
        for (var i = 0; i < functions.Length; i++)
        {
            _rig.Enable(new PciAddress(2, 4 + i, 0));
            Assert.Equal(new PciAddress(2, 0, 0).Value, functions[i].Port.Stream.Value);
            Assert.Equal(DmaStatus.Ok, Write(functions[i], 1));
        }
    }

    [Fact]
    public void Process_ids_are_sent_only_where_software_allows_them()
    {
        var function = Put(new PciFunctionOptions { PasidBits = 8, HasAts = true });
        _rig.Enable(s_first);
        Assert.False(function.TryGetRequester(new Pasid(3), AccessFlags.None, out _));
        Assert.Equal(TranslationStatus.Aborted, function.Translate(function.Port.Requester, s_ram, DmaAccess.Read).Status);
        _rig.Write16(s_first, _rig.Find(s_first, ExtendedCapabilityId.Pasid) + PasidRegisters.Control, PasidRegisters.Enable);
        _rig.Write16(s_first, _rig.Find(s_first, ExtendedCapabilityId.Ats) + AtsRegisters.Control, AtsRegisters.Enable);
        Assert.True(function.TryGetRequester(new Pasid(3), AccessFlags.None, out var requester));
        Assert.Equal((new Pasid(3), s_first.Value), (requester.Pasid, (ushort)requester.Stream.Value));
        Assert.False(function.TryGetRequester(new Pasid(256), AccessFlags.None, out _));
        Assert.False(function.TryGetRequester(new Pasid(3), AccessFlags.Privileged, out _));
        Assert.Equal(TranslationStatus.Ok, function.Translate(requester, s_ram, DmaAccess.Read).Status);
    }

    [Fact]
    public void Virtual_functions_come_with_numbers_and_BARs_of_their_own()
    {
        WordBlock[] blocks = [new(), new(), new()];
        var sriovOptions = new SriovOptions(3, 0x77, Virtual) { FirstOffset = 2, Stride = 3 };
        var function = Put(new PciFunctionOptions { Sriov = sriovOptions });
        var sriov = _rig.Find(s_first, ExtendedCapabilityId.Sriov);
        _rig.Write32(s_first, sriov + SriovRegisters.Bar0, uint.MaxValue);
        Assert.Equal(~0xFFFu, _rig.Read32(s_first, sriov + SriovRegisters.Bar0));
        _rig.Write32(s_first, sriov + SriovRegisters.Bar0, (uint)PciRig.Window + 0x8000);
        _rig.Write16(s_first, sriov + SriovRegisters.NumVfs, 2);
        _rig.Write16(s_first, sriov + SriovRegisters.Control, SriovRegisters.Enable | SriovRegisters.MemorySpace);
        var second = new PciAddress((ushort)(s_first.Value + 5));
        Assert.Equal(PciRegisters.NoVendor, _rig.Read16(second, PciRegisters.Vendor));
        Assert.Same(function.VirtualFunctions[1], _rig.Host.Find(second));
        Assert.Null(_rig.Host.Find(new PciAddress((ushort)(s_first.Value + 8))));
        Assert.True(_rig.Bus.TryWriteRegister(new PhysicalAddress(PciRig.Window + 0x9004), 4, 55));
        blocks[1].TryRead(4, 4, out var word);
        Assert.Equal(55u, word);
        _rig.Write16(second, PciRegisters.Command, 0xFFFF);
        Assert.Equal((DmaStatus.Ok, second.Value),
            (Write(function.VirtualFunctions[1], 1), (ushort)function.VirtualFunctions[1].Port.Stream.Value));
        _rig.Write16(s_first, sriov + SriovRegisters.Control, 0);
        Assert.Null(_rig.Host.Find(second));
        Assert.Equal(DmaStatus.BusError, Write(function.VirtualFunctions[1], 1));

        PciFunction Virtual(int number)
        {
            var made = new PciFunction(_rig.Bus, new PciIdentity(1, 0x77));
            made.AddBar(0, new PciBar(blocks[number]));
            return made;
        }
    }
}
