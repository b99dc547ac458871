using Aperture.Boards.Tests.Checking;
using Aperture.Boards.Tests.Running;
using Aperture.Core;
using Aperture.Devices;
using Aperture.DeviceTrees;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Dma.Sanitizer;
using Aperture.Drivers.DmaMaster;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Boards.Tests;

/// <summary>A bus that passes the device addresses 0x40000000 to 0x4fffffff, and leads to the first 256 MiB of memory.</summary>
public sealed class BusWindowTests
{
    private const uint Start = 0x4000_0000;
    private const uint Length = 0x1000_0000;

    /// <summary>The first address given out was 0x2000, which the bus does not pass, and the model passed it.</summary>
    [Fact]
    public void An_address_below_the_window_is_not_given_out_and_the_model_does_not_pass_it()
    {
        using var machine = Machine.Boot(Board().Build(), new MachineOptions { Sanitizer = new SanitizerOptions() });
        var client = Client(machine);
        var dma = client.Device.Dma;
        var block = dma.Memory.Allocate(8192);
        using (var mapping = dma.Map(block, DmaDirection.FromDevice))
        {
            Assert.InRange(mapping.Address.Value, Start, Start + Length - 8192UL);
            Assert.True(client.Fill(0, mapping.Address, mapping.Length, 1).IsOk);
        }

        machine.Sanitizer!.AssertClean();
        using (machine.Sanitizer.Allow(client.Device))
        {
            Assert.Equal(DmaMasterOutcome.BusError, client.Fill(0, new Iova(0x2000), 64, 1).Outcome);
            Assert.Equal(DmaMasterOutcome.BusError, client.Read(0, new Iova(Start + Length), 64).Outcome);
        }

        Assert.Equal(0UL, machine.Iommu.FaultCount); // neither got to the unit
        dma.Memory.Free(block);
    }

    [Fact]
    public void A_chosen_address_outside_of_the_window_is_out_of_range()
    {
        using var machine = Machine.Boot(Board().Build());
        var dma = Client(machine).Device.Dma;
        var block = dma.Memory.Allocate(8192);
        foreach (var address in (ulong[])[0x2000, Start - 0x1000, Start + Length - 0x1000])
            Assert.Equal(
                Status.OutOfRange,
                Assert.Throws<ApertureException>(() => dma.MapAt(block, new Iova(address), DmaDirection.FromDevice)).Status);
        dma.MapAt(block, new Iova(Start + Length - 0x2000), DmaDirection.FromDevice).Dispose();
        dma.Memory.Free(block);
    }

    [Fact]
    public void Every_check_of_the_self_test_holds_behind_a_window()
    {
        using var machine = Machine.Boot(Board().Build(), new MachineOptions { Sanitizer = new SanitizerOptions() });
        Runs.AssertAllHeld(machine);
        machine.Sanitizer!.AssertClean();
    }

    /// <summary>With an identity domain the unit passes the device's own addresses: they are physical ones, and the window says which can
    /// be used. An offset of the bus was added to them.</summary>
    [Fact]
    public void An_identity_domain_gives_out_physical_addresses_that_the_window_passes_and_no_others()
    {
        using var machine = Machine.Boot(Board().Build(), new MachineOptions { DefaultDomain = DomainType.Identity });
        var client = Client(machine);
        var dma = client.Device.Dma;
        var below = dma.Memory.Allocate(8192);
        Assert.True(below.Address.Value < Start);
        Assert.Throws<ApertureException>(() => dma.Map(below, DmaDirection.FromDevice));
        dma.Memory.Free(below);

        var pieces = new List<MemoryBlock>();
        do
            pieces.Add(dma.Memory.Allocate(64 << 20));
        while (pieces[^1].Address.Value < Start);
        using (var mapping = dma.Map(pieces[^1], DmaDirection.FromDevice))
        {
            Assert.Equal(pieces[^1].Address.Value, mapping.Address.Value);
            Assert.True(client.Fill(0, mapping.Address, 8192, 7).IsOk);
            Assert.True(client.Verify(0, mapping.Address, 8192, 7).IsOk);
        }

        pieces.ForEach(piece => dma.Memory.Free(piece));
    }

    /// <summary>The description's windows were used for the addresses given out, and the port put them on the bus as they were.</summary>
    [Fact]
    public void A_plugged_block_s_port_goes_where_its_windows_lead()
    {
        using var machine = Machine.Boot(Board().Build(), new MachineOptions { Sanitizer = new SanitizerOptions() });
        var description = new DeviceDescription { DmaRanges = [new DmaRange(new PhysicalAddress(0), Start, Length)] };
        using var plug = machine.Plug("test,master", port => new DmaMaster(port), description);
        Assert.True(machine.Drivers.Bind(plug.Device, new DmaMasterDriver(["test,master"])));
        var client = (DmaMasterClient)plug.Device.Bound!;
        using (var buffer = plug.Device.Dma.Allocate(8192))
        {
            Assert.Equal(buffer.Memory.Address.Value + Start, buffer.Address.Value);
            Assert.True(client.Fill(0, buffer.Address, 8192, 7).IsOk);
            Assert.True(client.Verify(0, buffer.Address, 8192, 7).IsOk);
            var again = new byte[8192];
            Aperture.Datasheets.DmaMaster.DmaMasterPattern.Fill(again, 7, 0);
            Assert.Equal(again, buffer.Span.ToArray());
        }

        machine.Sanitizer!.AssertClean();
        using (machine.Sanitizer.Allow(plug.Device))
            Assert.Equal(DmaMasterOutcome.BusError, client.Fill(0, new Iova(0x2000), 64, 1).Outcome);
    }

    [Fact]
    public void An_access_over_the_joint_of_two_windows_goes_to_both_places()
    {
        using var machine = Machine.Boot(Board().Build());
        var windows = new DeviceDescription
        {
            DmaRanges =
            [
                new DmaRange(new PhysicalAddress(0x100_0000), Start, 0x1000),
                new DmaRange(new PhysicalAddress(0x200_0000), Start + 0x1000, 0x1000),
            ],
        };
        DmaPort? port = null;
        using var plug = machine.Plug("test,master", made => new DmaMaster(port = made), windows);
        Assert.Equal(DmaStatus.Ok, port!.Write(new Iova(Start + 0xFFE), [1, 2, 3, 4], out var written));
        Assert.Equal(4, written);
        Assert.Equal([1, 2], machine.Memory.Span(new PhysicalAddress(0x100_0FFE), 2).ToArray());
        Assert.Equal([3, 4], machine.Memory.Span(new PhysicalAddress(0x200_0000), 2).ToArray());
        Assert.Equal(DmaStatus.BusError, port.Write(new Iova(Start + 0x1FFE), [1, 2, 3, 4], out written));
        Assert.Equal(2, written);
    }

    private static DmaMasterClient Client(Machine machine) => (DmaMasterClient)machine.Masters[0].Device!.Bound!;

    /// <summary>What trials of the field call tree 14.</summary>
    private static TreeNode Board() => new TreeNode("").Cells("#address-cells", 1).Cells("#size-cells", 1)
        .Strings("compatible", "test,dma-ranges", "rockchip,rk3399").Cells("interrupt-parent", 9)
        .Add(
            new TreeNode("memory@0").Strings("device_type", "memory").Cells("reg", 0, 0x8000_0000),
            new TreeNode("soc").Strings("compatible", "simple-bus").Cells("#address-cells", 1).Cells("#size-cells", 1).Flag("ranges").Add(
                new TreeNode("interrupt-controller@fee00000").Strings("compatible", "test,ic").Cells("reg", 0xFEE0_0000, 0x1000)
                    .Flag("interrupt-controller").Cells("#interrupt-cells", 1).Cells("phandle", 9),
                new TreeNode("clock@ff760000")
                    .Strings("compatible", "test,cru")
                    .Cells("reg", 0xFF76_0000, 0x1000)
                    .Cells("#clock-cells", 1)
                    .Cells("phandle", 8),
                new TreeNode("iommu@ff650800")
                    .Strings("compatible", "rockchip,iommu")
                    .Cells("reg", 0xFF65_0800, 0x40)
                    .Cells("interrupts", 1)
                    .Cells("clocks", 8, 1, 8, 2).Strings("clock-names", "aclk", "iface").Cells("#iommu-cells", 0).Cells("phandle", 1),
                new TreeNode("bus@f0000000")
                    .Strings("compatible", "simple-bus")
                    .Cells("#address-cells", 1)
                    .Cells("#size-cells", 1)
                    .Flag("ranges")
                    .Cells("dma-ranges", Start, 0, Length).Add(
                        new TreeNode("dma@ff650000")
                            .Strings("compatible", "test,dma")
                            .Cells("reg", 0xFF65_0000, 0x400)
                            .Cells("interrupts", 3)
                            .Cells("clocks", 8, 1, 8, 2).Strings("clock-names", "a", "b").Cells("iommus", 1))));
}
