using Aperture.Boards.Pci;
using Aperture.Core;
using Aperture.Datasheets.Edu;
using Aperture.Datasheets.Pci;
using Aperture.Dma.Sanitizer;
using Aperture.Drivers.Edu;
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

        // The host lets go of everything and finds it again.
        machine.Drivers.Unbind(host.Device);
        Assert.Null(host.Bridge);
        Assert.DoesNotContain(machine.Drivers.Devices, device => device.Name == "0000:00:01.0");
        Assert.True(machine.Drivers.Bind(host.Device));
        Assert.Equal(6u, ((EduClient)host.Find(edu)!.Device.Bound!).Factorial(3));
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

    [Fact]
    public void Virtual_functions_are_devices_of_their_own()
    {
        var made = new List<EduFunction>();
        var physical = default(PciFunction)!;
        using var machine = Boot([0, 30, 0x100, 0x1000], site =>
        {
            physical = new PciFunction(site.Bus, new PciIdentity(EduRegisters.Vendor, 0x1111), new PciFunctionOptions
            {
                Sriov = new SriovOptions(12, EduRegisters.Device, _ =>
                {
                    made.Add(Edu(site));
                    return made[^1];
                }),
            });
            var port = new PciBridge(site.Bus, PciBridgeKind.RootPort, AcsFlags.Isolation);
            site.Host.Root.Add(port, 1);
            port.Secondary.Add(physical, 0);
        });
        var bridge = machine.PciHosts[0].Bridge!;
        var found = Assert.Single(bridge.Devices);
        Assert.Empty(bridge.Problems);
        var devices = bridge.AddVirtualFunctions(found, 10);
        Assert.Equal("0000:01:01.2", devices[9].Device.Name); // number 10 of device 0 is function 2 of device 1
        Assert.All(devices, device => Assert.Equal("pci1234,11e8", device.Device.Description.Compatible[0]));
        devices[9].Device.Registers[0].Write32(EduRegisters.Liveness, 5);
        Assert.Equal(~5u, devices[9].Device.Registers[0].Read32(EduRegisters.Liveness));
        Assert.Equal(0u, devices[8].Device.Registers[0].Read32(EduRegisters.Liveness));
        Assert.True(machine.Iommu.TryFindGroup(devices[0].Device, out var group));
        Assert.Equal([devices[0].Device], group.Members);
        Assert.Equal(Status.Busy, Assert.Throws<ApertureException>(() => bridge.AddVirtualFunctions(found, 1)).Status);
        bridge.RemoveVirtualFunctions(found);
        Assert.Equal([found], bridge.Devices);
        Assert.Null(made[0].Bus);
        Assert.Equal(Status.OutOfRange, Assert.Throws<ApertureException>(() => bridge.AddVirtualFunctions(found, 13)).Status);
        Assert.Equal(2, bridge.AddVirtualFunctions(found, 2).Count);
        physical.Bus!.Remove(physical);
        Assert.Equal(3, bridge.RemoveGone().Count);
        Assert.Empty(bridge.Devices);
    }

    [Fact]
    public void A_function_of_the_tree_is_in_its_slot_and_has_its_driver()
    {
        using var machine = Machine.Boot(PciTrees.Build(s_map, function: 0x0800));
        var found = Assert.Single(machine.PciHosts[0].Bridge!.Devices);
        Assert.Equal((new PciAddress(0, 1, 0), "iommu"), (found.Address, found.Device.Dma.Path));
        Assert.Equal(720u, Assert.IsType<EduClient>(found.Device.Bound).Factorial(6));
    }

    /// <summary>Any number of threads access functions while another one switches them off and on and moves their BARs.</summary>
    [Fact]
    public void Threads_access_functions_while_others_set_them_up()
    {
        using var machine = Boot([], site =>
        {
            for (var device = 1; device < 4; device++)
                site.Host.Root.Add(Edu(site), device);
        });
        var host = machine.PciHosts[0];
        PciFunction[] functions = [.. host.Model.Root.Functions];
        var ends = new int[functions.Length];
        var threads = functions.Select((function, i) => new Thread(() =>
        {
            for (var round = 0; round < 2000; round++)
            {
                var status = function.Port.Write(new Iova(PciTrees.Ram + (ulong)(i * 4096)), [1, 2, 3, 4], out _);
                ends[i] += status is DmaStatus.Ok or DmaStatus.BusError ? 1 : 0;
                machine.Bus.TryReadRegister(new PhysicalAddress(PciTrees.Window + (uint)(round * 64)), 4, out _);
            }
        })).ToArray();
        Array.ForEach(threads, thread => thread.Start());
        foreach (var found in host.Bridge!.Devices)
        {
            for (var round = 0; round < 200; round++)
            {
                found.Configuration.Update16(PciRegisters.Command, 0, (ushort)PciCommand.BusMaster);
                Assert.Equal(DmaStatus.BusError, host.Model.Find(found.Address)!.Port.Write(new Iova(PciTrees.Ram), [9], out _));
                found.Configuration.Update16(PciRegisters.Command, (ushort)PciCommand.BusMaster);
            }
        }

        Array.ForEach(threads, thread => thread.Join());
        Assert.Equal([2000, 2000, 2000], ends);
    }
}
