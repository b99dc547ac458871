using Aperture.Boards.Running;
using Aperture.Boards.Tests.Checking;
using Aperture.Core;
using Aperture.Devices;
using Aperture.Drivers.Nic;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;

namespace Aperture.Boards.Tests;

/// <summary>A bus whose devices are known by numbers only (<c>iommu-map</c>).</summary>
public sealed class BusPlugTests : IDisposable
{
    private const uint Hda = 5; // swgroups of Tegra124
    private const uint UsbHost = 14;
    private readonly Machine _machine;

    public BusPlugTests() => _machine = Machine.Boot(Root(false).Build());

    private static TreeNode Root(bool isOutside)
    {
        var port = new TreeNode("port@40000").Strings("compatible", "simple-bus").Cells("#address-cells", 1).Cells("#size-cells", 1)
            .Flag("ranges").Add(new TreeNode("camera@50000").Strings("compatible", "test,camera").Cells("reg", 0x5_0000, 0x1000)
                .Cells("iommus", 30, 6));
        var pcie = new TreeNode("pcie@30000").Strings("compatible", "test,pcie").Cells("reg", 0x3_0000, 0x1000).Flag("dma-coherent")
            .Cells("iommu-map", 0x100, 30, Hda, 1, 0x101, 30, UsbHost, 2, 0x200, 31, 0, 0x100);
        if (isOutside)
        {
            port.Flag("external-facing");
            pcie.Flag("external-facing");
        }

        var root = new TreeNode("").Cells("#address-cells", 1).Cells("#size-cells", 1).Strings("compatible", "test,board");
        root.Add(
            new TreeNode("memory@80000000").Strings("device_type", "memory").Cells("reg", 0x8000_0000, 0x1000_0000),
            new TreeNode("soc").Strings("compatible", "simple-bus").Cells("#address-cells", 1).Cells("#size-cells", 1).Flag("ranges")
                .Cells("interrupt-parent", 20).Add(
                new TreeNode("controller@1000").Strings("compatible", "test,intc").Cells("reg", 0x1000, 0x20)
                    .Flag("interrupt-controller").Cells("#interrupt-cells", 1).Cells("phandle", 20),
                new TreeNode("mc@10000").Strings("compatible", "nvidia,tegra124-mc").Cells("reg", 0x1_0000, 0x1000).Cells("#iommu-cells", 1)
                    .Cells("phandle", 30).Cells("interrupts", 1),
                new TreeNode("mmu@20000").Strings("compatible", "test,unknown-iommu").Cells("#iommu-cells", 1).Cells("phandle", 31),
                port, pcie));
        return root;
    }

    public void Dispose() => _machine.Dispose();

    private BoardMaster Bus => _machine.Masters.Single(master => master.Name.EndsWith("pcie", StringComparison.Ordinal));

    [Fact]
    public void Nothing_could_be_put_behind_a_bus_with_an_iommu_map()
    {
        using var plug = _machine.Plug(Bus, 0x101, "test,nic", ports => new Nic(Assert.Single(ports)));
        Assert.True(_machine.Drivers.Bind(plug.Device, new NicDriver(["test,nic"])));
        Assert.Equal("iommu", plug.Device.Dma.Path);
        Assert.True(plug.Device.Dma.Snoops);
        Assert.Equal(UsbHost, Assert.Single(plug.Device.Iommu!.Ports).Streams[0].Value);
        var traffic = new NicTraffic(_machine, (NetworkCard)plug.Device.Bound!, (Nic)plug.Model);
        Assert.True(traffic.Run(), string.Join('\n', traffic.Lines));
        var port = new DmaPort(_machine.Bus, _machine.Units[0].Model, new StreamId(UsbHost));
        Assert.Equal(DmaStatus.Refused, port.Read(new Iova(0x8000_0000), new byte[4], out _));
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public void Nobody_is_trusted_behind_a_port_to_the_outside_and_who_says_so(bool isOutside, bool says)
    {
        var root = Root(isOutside);
        using var machine = Machine.Boot(root.Build());
        var bus = machine.Masters.Single(master => master.Name.EndsWith("pcie", StringComparison.Ordinal));
        using var plug = machine.Plug(bus, 0x101, "test,nic", ports => new Nic(ports[0]), new DeviceDescription { IsUntrusted = says });
        Assert.True(machine.Drivers.Bind(plug.Device, new NicDriver(["test,nic"])));
        Assert.Equal(isOutside || says ? "iommu+bounce" : "iommu", plug.Device.Dma.Path);
        var inside = machine.Masters.Single(master => master.Name.EndsWith("camera", StringComparison.Ordinal)).Device!;
        Assert.Equal(isOutside, inside.Description.IsUntrusted);
    }

    [Fact]
    public void Numbers_lead_where_the_map_says()
    {
        using (var plain = _machine.Plug(Bus, 0x300, "test,nic", ports => new Nic(ports[0])))
        {
            Assert.True(_machine.Drivers.Bind(plain.Device, new NicDriver(["test,nic"])));
            Assert.Equal("direct", plain.Device.Dma.Path);
        }

        var alias = _machine.Firmware.Identify(Bus.Node, 0x100, 0x101, 0x100);
        Assert.Equal([(Hda, 0x101u), (UsbHost, 0x100u)], alias.Units.Zip(alias.Aliases, (unit, number) => (unit.Cells[0], number)));
        using var both = _machine.Plug(Bus, 0x100, "test,nic", ports => new Nic(ports[0]), null, 0x101);
        using var other = _machine.Plug(Bus, 0x101, "test,other", ports => new Nic(ports[0]));
        Assert.True(_machine.Iommu.TryFindGroup(both.Device, out var group));
        Assert.Equal([both.Device, other.Device], group.Members);

        var failure = Assert.Throws<ApertureException>(() => _machine.Plug(Bus, 0x280, "test,nic", ports => new Nic(ports[0])));
        Assert.Equal((Status.NotSupported, true), (failure.Status, failure.Message.Contains("mmu@20000", StringComparison.Ordinal)));
        Assert.Equal(Status.NoDevice, Assert.Throws<ApertureException>(() => _machine.Firmware.Identify(_machine.Units[0].Node, 1)).Status);
        Assert.Contains("blocks with their ids", Bus.Skipped, StringComparison.Ordinal);
    }
}
