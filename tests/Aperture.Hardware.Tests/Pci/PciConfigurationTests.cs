using Aperture.Core;
using Aperture.Datasheets.Pci;
using Aperture.Hardware.Pci;

namespace Aperture.Hardware.Tests.Pci;

public sealed class PciConfigurationTests : IDisposable
{
    private static readonly PciAddress s_first = new(0, 1, 0);

    private readonly PciRig _rig = new();

    public void Dispose() => _rig.Dispose();

    private PciFunction Put(PciFunctionOptions? options = null, int device = 1, int function = 0, params ReadOnlySpan<PciBar> bars)
    {
        var made = new PciFunction(_rig.Bus, new PciIdentity(0x1234, 0x5678) { ClassCode = 0x08_80_01, Revision = 7 }, options);
        for (var i = 0; i < bars.Length; i++)
            made.AddBar(2 * i, bars[i]);
        _rig.Host.Root.Add(made, device, function);
        return made;
    }

    [Fact]
    public void Where_nobody_is_configuration_space_reads_ones_and_writes_are_lost()
    {
        _rig.Write16(s_first, PciRegisters.Command, 0xFFFF);
        Assert.Equal(PciRegisters.NoVendor, _rig.Read16(s_first, PciRegisters.Vendor));
        Assert.Equal(uint.MaxValue, _rig.Read32(new PciAddress(3, 0, 0), PciRegisters.Vendor));
        Assert.False(_rig.Bus.TryReadRegister(new PhysicalAddress(PciRig.Ecam), 8, out _)); // no 64-bit access
    }

    [Fact]
    public void Identity_is_read_only_and_the_command_register_keeps_what_there_is()
    {
        Put();
        _rig.Write32(s_first, PciRegisters.Vendor, 0);
        Assert.Equal(0x5678_1234u, _rig.Read32(s_first, PciRegisters.Vendor));
        Assert.Equal(0x0880_0107u, _rig.Read32(s_first, PciRegisters.Revision));
        Assert.Equal(0x5678_1234u, _rig.Read32(s_first, PciRegisters.SubsystemVendor));
        Assert.Equal(1u, _rig.Read(s_first, PciRegisters.InterruptPin, 1));
        _rig.Write16(s_first, PciRegisters.Command, 0xFFFF);
        Assert.Equal(0x0546, _rig.Read16(s_first, PciRegisters.Command));
        Assert.Equal((ushort)PciStatus.HasCapabilities, _rig.Read16(s_first, PciRegisters.Status));
    }

    [Theory]
    [InlineData(16u, false, false)]
    [InlineData(4096u, false, true)]
    [InlineData(1u << 20, true, true)]
    [InlineData(1u << 31, true, false)]
    public void A_BAR_written_with_ones_says_its_size(uint size, bool isWide, bool isPrefetchable)
    {
        var bar = new PciBar(size, isWide) { IsPrefetchable = isPrefetchable };
        Put(null, 1, 0, bar);
        var type = (isWide ? 4u : 0) | (isPrefetchable ? 8u : 0);
        Assert.Equal(type, _rig.Read32(s_first, PciRegisters.Bar0));
        _rig.Write32(s_first, PciRegisters.Bar0, uint.MaxValue);
        _rig.Write32(s_first, PciRegisters.Bar0 + 4, uint.MaxValue);
        Assert.Equal(~(size - 1) | type, _rig.Read32(s_first, PciRegisters.Bar0));
        Assert.Equal(isWide ? uint.MaxValue : 0, _rig.Read32(s_first, PciRegisters.Bar0 + 4));
        Assert.Equal(0u, _rig.Read32(s_first, PciRegisters.Bar0 + 8));
    }

    [Fact]
    public void A_BAR_answers_while_memory_space_is_on_and_where_it_was_put()
    {
        var block = new WordBlock();
        Put(null, 1, 0, new PciBar(block));
        var at = new PhysicalAddress(PciRig.Window + 0x10_0000);
        _rig.Write32(s_first, PciRegisters.Bar0, (uint)at.Value);
        Assert.True(_rig.Bus.TryReadRegister(at, 4, out var value));
        Assert.Equal(uint.MaxValue, (uint)value);
        _rig.Enable(s_first);
        Assert.True(_rig.Bus.TryWriteRegister(at + 8, 4, 0x1234));
        Assert.Equal(0x1234u, _rig.Word(at.Value + 8));
        _rig.Write32(s_first, PciRegisters.Bar0, (uint)at.Value + 0x1000);
        Assert.Equal(uint.MaxValue, _rig.Word(at.Value + 8));
        Assert.Equal(0x1234u, _rig.Word(at.Value + 0x1008));
        _rig.Enable(s_first, 0, PciCommand.BusMaster);
        Assert.Equal(uint.MaxValue, _rig.Word(at.Value + 0x1008));
    }

    [Fact]
    public void A_host_can_answer_bus_errors_where_nobody_is()
    {
        using var rig = new PciRig(readsOnes: false);
        Assert.False(rig.Bus.TryReadRegister(new PhysicalAddress(PciRig.Window), 4, out _));
        Assert.False(rig.Bus.TryWriteRegister(new PhysicalAddress(PciRig.Window), 4, 0));
        Assert.Equal(uint.MaxValue, rig.Read32(s_first, PciRegisters.Vendor));
    }

    [Fact]
    public void Of_BARs_that_overlap_the_first_function_answers()
    {
        var blocks = new[] { new WordBlock(), new WordBlock(), new WordBlock() };
        for (var i = 0; i < blocks.Length; i++)
        {
            Put(null, 3 - i, 0, new PciBar(blocks[i]));
            _rig.Enable(new PciAddress(0, 3 - i, 0), (uint)PciRig.Window + (i == 0 ? 0x2000u : 0x1000u));
            blocks[i].TryWrite(0, 4, (uint)(3 - i));
        }

        Assert.Equal(1u, _rig.Word(PciRig.Window + 0x1000));
        Assert.Equal(3u, _rig.Word(PciRig.Window + 0x2000));
        _rig.Enable(s_first, 0, PciCommand.None);
        Assert.Equal(2u, _rig.Word(PciRig.Window + 0x1000));
    }

    [Fact]
    public void Functions_of_a_device_say_that_there_are_several_while_there_are()
    {
        Put();
        Assert.Equal(0u, _rig.Read(s_first, PciRegisters.HeaderType, 1));
        var second = Put(function: 3);
        Assert.Equal(0x80u, _rig.Read(s_first, PciRegisters.HeaderType, 1));
        _rig.Host.Root.Remove(second);
        Assert.Equal(0u, _rig.Read(s_first, PciRegisters.HeaderType, 1));
    }

    [Fact]
    public void A_bridge_passes_on_buses_and_windows_that_it_was_given()
    {
        var port = new PciBridge(_rig.Bus, PciBridgeKind.RootPort);
        var block = new WordBlock();
        block.TryWrite(0, 4, 77);
        var function = new PciFunction(_rig.Bus, new PciIdentity(1, 2));
        function.AddBar(0, new PciBar(block));
        port.Secondary.Add(function, 0);
        _rig.Host.Root.Add(port, 2);
        var at = new PciAddress(5, 0, 0);
        Assert.Equal(PciRegisters.NoVendor, _rig.Read16(at, PciRegisters.Vendor));
        _rig.Bridge(new PciAddress(0, 2, 0), 5, 6, (uint)PciRig.Window, 0x10_0000);
        Assert.Equal(1, _rig.Read16(at, PciRegisters.Vendor));
        Assert.Equal(PciRegisters.NoVendor, _rig.Read16(new PciAddress(5, 1, 0), PciRegisters.Vendor));
        Assert.Same(function, _rig.Host.Find(at));
        _rig.Enable(at, (uint)PciRig.Window + 0xF_F000);
        Assert.Equal(77u, _rig.Word(PciRig.Window + 0xF_F000));
        _rig.Enable(at, (uint)PciRig.Window + 0x10_0000); // beyond the bridge's window
        Assert.Equal(uint.MaxValue, _rig.Word(PciRig.Window + 0x10_0000));
        _rig.Enable(at, (uint)PciRig.Window);
        _rig.Write16(new PciAddress(0, 2, 0), PciRegisters.Command, (ushort)PciCommand.BusMaster);
        Assert.Equal(uint.MaxValue, _rig.Word(PciRig.Window));
    }

    [Fact]
    public void A_secondary_reset_resets_what_is_behind()
    {
        var port = new PciBridge(_rig.Bus, PciBridgeKind.RootPort);
        var block = new WordBlock();
        var function = new PciFunction(_rig.Bus, new PciIdentity(1, 2));
        function.AddBar(0, new PciBar(block));
        port.Secondary.Add(function, 0);
        _rig.Host.Root.Add(port, 2);
        var (bridge, at) = (new PciAddress(0, 2, 0), new PciAddress(1, 0, 0));
        _rig.Bridge(bridge, 1, 1, (uint)PciRig.Window, 0x10_0000);
        _rig.Enable(at, (uint)PciRig.Window);
        var resets = block.Resets;
        _rig.Write16(bridge, BridgeRegisters.Control, BridgeRegisters.SecondaryReset);
        Assert.Equal(PciRegisters.NoVendor, _rig.Read16(at, PciRegisters.Vendor));
        _rig.Write16(bridge, BridgeRegisters.Control, 0);
        Assert.Equal(resets + 1, block.Resets);
        Assert.Equal((1, 0, 0u), (_rig.Read16(at, PciRegisters.Vendor), _rig.Read16(at, PciRegisters.Command),
            _rig.Read32(at, PciRegisters.Bar0)));
    }

    [Fact]
    public void Capabilities_are_in_the_lists_with_what_the_function_has()
    {
        Put(new PciFunctionOptions
        {
            MsiVectors = 4,
            MsixVectors = 9,
            Acs = AcsFlags.Isolation,
            HasAts = true,
            PageRequests = 32,
            PasidBits = 12,
        });
        foreach (var id in Enum.GetValues<CapabilityId>())
            Assert.NotEqual(0u, _rig.Find(s_first, id));
        ExtendedCapabilityId[] extended =
            [ExtendedCapabilityId.Acs, ExtendedCapabilityId.Ats, ExtendedCapabilityId.Pri, ExtendedCapabilityId.Pasid];
        foreach (var id in extended)
            Assert.NotEqual(0u, _rig.Find(s_first, id));
        Assert.Equal(0u, _rig.Find(s_first, ExtendedCapabilityId.Sriov));
        Assert.Equal(4, new MsiControl(_rig.Read16(s_first, _rig.Find(s_first, CapabilityId.Msi) + MsiRegisters.Control)).Vectors);
        Assert.Equal(9, new MsixControl(_rig.Read16(s_first, _rig.Find(s_first, CapabilityId.Msix) + MsixRegisters.Control)).Vectors);
        var pasid = _rig.Read16(s_first, _rig.Find(s_first, ExtendedCapabilityId.Pasid) + PasidRegisters.Capabilities);
        Assert.Equal(12, PasidRegisters.WidthOf(pasid));
    }

    [Fact]
    public void What_cannot_be_is_refused()
    {
        var root = _rig.Host.Root;
        var port = new PciBridge(_rig.Bus, PciBridgeKind.RootPort);
        Action[] wrong =
        [
            () => root.Add(new PciBridge(_rig.Bus, PciBridgeKind.DownstreamPort), 4),
            () => port.Secondary.Add(new PciFunction(_rig.Bus, new PciIdentity(1, 1)), 1),
            () => port.Secondary.Add(new PciFunction(_rig.Bus, new PciIdentity(1, 1), new PciFunctionOptions { Express = null }), 0),
            () => _ = new PciFunction(_rig.Bus, new PciIdentity(0xFFFF, 1)),
            () => _ = new PciFunction(_rig.Bus, new PciIdentity(1, 1), new PciFunctionOptions { MsiVectors = 3 }),
            () => _ = new PciFunction(_rig.Bus, new PciIdentity(1, 1), new PciFunctionOptions { Express = null, HasAts = true }),
            () => _ = new PciBridge(_rig.Bus, PciBridgeKind.ExpressToPci, AcsFlags.Isolation),
            () => _ = new PciHost(new PciHostOptions { FirstBus = 2, LastBus = 1 }),
            () => root.Remove(port),
            () => new PciFunction(_rig.Bus, new PciIdentity(1, 1)).AddBar(5, new PciBar(4096, true)),
        ];
        Assert.NotEmpty(wrong);
        Assert.All(wrong, make => Assert.Throws<ApertureException>(make));
    }
}
