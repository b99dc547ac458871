using Aperture.Boards.Pci;
using Aperture.Core;
using Aperture.Datasheets.Pci;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Dma.Sanitizer;
using Aperture.Drivers.Edu;
using Aperture.Drivers.Pci;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Pci;
using Aperture.Hardware.Translation;

namespace Aperture.Boards.Tests.Pci;

/// <summary>A machine with a PCI host: what is in its slots is found, bound, and works with the DMA API, with and without an
/// IOMMU.</summary>
public sealed class PciMachineTests
{
    private const uint UsbHost = 14; // swgroups of Tegra124
    private const uint Hda = 5;
    private static readonly uint[] s_map = [0x0008, 30, UsbHost, 8, 0x0100, 30, Hda, 1];

    public static TheoryData<bool, bool> Boards => new() { { true, true }, { true, false }, { false, true }, { false, false } };

    private static Machine Boot(uint[] map, Action<PciSite> fill, bool hasMessages = true, MachineOptions? options = null)
    {
        var machine = Machine.Boot(PciTrees.Build(map, hasMessages), (options ?? new MachineOptions()) with { Pci = fill });
        machine.Drivers.Register(new EduDriver(machine.Clock, 64));
        return machine;
    }

    private static EduFunction Edu(PciSite site, PciFunctionOptions? options = null) =>
        new(site.Bus, new EduOptions { Time = site.Time, DmaMask = ulong.MaxValue }, options);

    [Theory]
    [MemberData(nameof(Boards))]
    public void An_edu_function_is_found_bound_and_does_its_work(bool hasUnit, bool hasMessages)
    {
        var edu = default(EduFunction)!;
        using var machine = Boot(hasUnit ? s_map : [], site => site.Host.Root.Add(edu = Edu(site), 1), hasMessages,
            new MachineOptions { Sanitizer = new SanitizerOptions() });
        var host = Assert.Single(machine.PciHosts);
        Assert.Empty(host.Bridge!.Problems);
        var found = host.Find(edu)!;
        Assert.Equal(("0000:00:01.0", hasMessages), (found.Device.Name, found.HasMessages));
        Assert.Equal(["pci1234,11e8", "pciclass,00ff00", "pciclass,00ff"], found.Device.Description.Compatible);
        Assert.Equal(1ul << 20, Assert.Single(found.Device.Registers).Size);
        var client = Assert.IsType<EduClient>(found.Device.Bound);
        Assert.Equal(hasUnit ? "iommu" : "direct", found.Device.Dma.Path);
        Assert.True(found.Device.Dma.Snoops);

        Assert.Equal(120u, client.Factorial(5));
        var faults = machine.Iommu.FaultCount;
        using (var buffer = found.Device.Dma.Allocate(4096))
        {
            buffer.Span[..8].Fill(0x5A);
            client.Load(buffer.Address, 0, 8);
            client.Store(0, buffer.Address + 100, 8);
            Assert.Equal(buffer.Span[..8].ToArray(), buffer.Span.Slice(100, 8).ToArray());
        }

        Assert.Equal(faults, machine.Iommu.FaultCount);
        Assert.True(client.Interrupts >= 3);
        Assert.Equal(hasMessages, edu.Messages[0].Sent > 0);
        Assert.Empty(machine.Sanitizer!.Findings);
        machine.Drivers.Unbind(found.Device);
        Assert.Equal(DmaStatus.BusError, edu.Port.Write(new Iova(PciTrees.Ram), [1], out _));
        Assert.True(machine.Drivers.Bind(found.Device));
    }

    [Fact]
    public void Behind_an_IOMMU_messages_need_their_page_mapped_and_lose_it_with_the_driver()
    {
        var edu = default(EduFunction)!;
        using var machine = Boot(s_map, site => site.Host.Root.Add(edu = Edu(site), 1));
        var device = machine.PciHosts[0].Find(edu)!.Device;
        var client = (EduClient)device.Bound!;
        Assert.Equal(6u, client.Factorial(3));
        var (sent, configuration) = (edu.Messages[0].Sent, machine.PciHosts[0].Find(edu)!.Configuration);
        Assert.True(sent > 0);
        var address = new Iova(configuration.Read32(configuration.Find(CapabilityId.Msi) + MsiRegisters.Address));
        Assert.NotEqual(0x2040ul, address.Value); // not the frame's own
        Assert.True(device.Iommu!.Domain!.TryTranslate(address, out var frame));
        Assert.Equal(new PhysicalAddress(0x2040), frame);
        machine.Drivers.Unbind(device);
        Assert.Null(device.Iommu);
        edu.Raise(0);
        Assert.Equal(sent, edu.Messages[0].Sent);
    }

    [Fact]
    public void Devices_behind_bridges_are_numbered_depth_first_and_get_addresses_inside_the_windows()
    {
        using var machine = Boot([], site =>
        {
            var (port, up) = (new PciBridge(site.Bus, PciBridgeKind.RootPort), new PciBridge(site.Bus, PciBridgeKind.UpstreamPort));
            site.Host.Root.Add(port, 2);
            port.Secondary.Add(up, 0);
            for (var i = 0; i < 2; i++)
            {
                var down = new PciBridge(site.Bus, PciBridgeKind.DownstreamPort, AcsFlags.Isolation);
                up.Secondary.Add(down, i);
                down.Secondary.Add(Edu(site), 0);
            }

            site.Host.Root.Add(Edu(site), 4);
            site.Host.Root.Add(Edu(site), 4, 3);
            var wide = new PciFunction(site.Bus, new PciIdentity(1, 2));
            wide.AddBar(0, new PciBar(1 << 24, true) { IsPrefetchable = true });
            wide.AddBar(2, new PciBar(1 << 16, true));
            site.Host.Root.Add(wide, 5);
        });
        var bridge = machine.PciHosts[0].Bridge!;
        Assert.Empty(bridge.Problems);
        Assert.Equal(["00:02.0", "01:00.0", "02:00.0", "03:00.0", "02:01.0", "04:00.0", "00:04.0", "00:04.3", "00:05.0"],
            bridge.Functions.Select(function => function.Address.ToString()));
        Assert.Equal([1, 2, 3, 4], bridge.Functions.Where(function => function.IsBridge).Select(function => (int)function.Secondary));
        var edus = bridge.Devices.Where(device => device.Function.Device == 0x11E8).ToArray();
        Assert.Equal(4, edus.Length);
        Assert.All(edus, edu => Assert.Equal(24u, Assert.IsType<EduClient>(edu.Device.Bound).Factorial(4)));
        var bars = bridge.Devices.SelectMany(device => device.Function.Bars).OrderBy(bar => bar.Address).ToArray();
        Assert.All(bars, bar => Assert.Equal(0ul, bar.Address!.Value % bar.Size));
        for (var i = 1; i < bars.Length; i++)
            Assert.True(bars[i - 1].Address + bars[i - 1].Size <= bars[i].Address);
        Assert.Equal(0x4000_0000ul, bridge.Find(new PciAddress(0, 5, 0))!.Function.Bars[0].Address);
    }

    [Fact]
    public void What_has_no_room_is_said_and_the_rest_works()
    {
        var edu = default(EduFunction)!;
        using var machine = Boot([], site =>
        {
            var large = new PciFunction(site.Bus, new PciIdentity(1, 2));
            large.AddBar(0, new PciBar(1u << 31, false));
            site.Host.Root.Add(large, 1);
            site.Host.Root.Add(edu = Edu(site), 2);
        });
        var bridge = machine.PciHosts[0].Bridge!;
        Assert.Equal(["00:01.0 [0001:0002]: there is no room for BAR 0 of 0x80000000 bytes"], bridge.Problems);
        Assert.Empty(bridge.Find(new PciAddress(0, 1, 0))!.Device.Registers);
        Assert.Equal(2u, ((EduClient)machine.PciHosts[0].Find(edu)!.Device.Bound!).Factorial(2));
    }

    [Fact]
    public void A_device_that_is_pulled_out_reads_ones_fails_its_driver_and_leaves()
    {
        var (edu, other) = (default(EduFunction)!, default(EduFunction)!);
        using var machine = Boot(s_map, site =>
        {
            site.Host.Root.Add(edu = Edu(site), 1);
            site.Host.Root.Add(other = Edu(site), 2);
        });
        var host = machine.PciHosts[0];
        var (found, survivor) = (host.Find(edu)!, host.Find(other)!);
        var client = (EduClient)found.Device.Bound!;
        var buffer = found.Device.Dma.Allocate(64);
        host.Model.Root.Remove(edu);
        Assert.Equal(uint.MaxValue, found.Device.Registers[0].Read32(0));
        Assert.False(client.IsAlive(1));
        Assert.Equal(Status.Busy, client.TryLoad(buffer.Address, 0, 8));
        buffer.Dispose();
        Assert.Equal([found], host.Bridge!.RemoveGone());
        Assert.Empty(host.Bridge.RemoveGone());
        Assert.DoesNotContain(found.Device, machine.Drivers.Devices);
        Assert.Equal([survivor], host.Bridge.Devices);
        Assert.Equal(6u, ((EduClient)survivor.Device.Bound!).Factorial(3));
    }

    [Fact]
    public void A_function_is_reset_and_goes_on_with_its_addresses()
    {
        var edu = default(EduFunction)!;
        using var machine = Boot([], site => site.Host.Root.Add(edu = Edu(site), 1));
        var found = machine.PciHosts[0].Find(edu)!;
        found.Device.Registers[0].Write32(4, 1);
        machine.Drivers.Unbind(found.Device);
        found.Reset();
        Assert.Equal(0u, found.Device.Registers[0].Read32(4));
        Assert.True(machine.Drivers.Bind(found.Device));
        Assert.Equal(6u, ((EduClient)found.Device.Bound!).Factorial(3));
    }

    [Fact]
    public void Bus_mastering_is_off_while_an_IOMMU_failed_whatever_the_driver_wants()
    {
        var edu = default(EduFunction)!;
        using var machine = Boot([], site => site.Host.Root.Add(edu = Edu(site), 1));
        var device = machine.PciHosts[0].Find(edu)!.Device;
        Assert.Equal(DmaStatus.Ok, edu.Port.Write(new Iova(PciTrees.Ram), [1], out _));
        Assert.True(device.BusMastering!.TryStop());
        Assert.Equal(DmaStatus.BusError, edu.Port.Write(new Iova(PciTrees.Ram), [1], out _));
        machine.Drivers.Unbind(device);
        Assert.True(machine.Drivers.Bind(device));
        Assert.Equal(DmaStatus.BusError, edu.Port.Write(new Iova(PciTrees.Ram), [1], out _));
        device.BusMastering.Resume();
        Assert.Equal(DmaStatus.Ok, edu.Port.Write(new Iova(PciTrees.Ram), [1], out _));
    }

    [Fact]
    public void The_windows_of_the_host_are_kept_out_of_device_addresses()
    {
        var edu = default(EduFunction)!;
        using var machine = Boot(s_map, site => site.Host.Root.Add(edu = Edu(site), 1));
        var device = machine.PciHosts[0].Find(edu)!.Device;
        var reserved = device.Iommu!.Domain!.Reservations;
        Assert.Contains(reserved, range => range.First.Value == PciTrees.Window && range.Last.Value == PciTrees.Window + 0xFFF_FFFF);
    }
}
