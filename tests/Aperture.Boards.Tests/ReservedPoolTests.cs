using Aperture.Boards.Tests.Checking;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Devices;
using Aperture.DeviceTrees;
using Aperture.Dma;
using Aperture.Drivers.Nic;
using Aperture.Hardware.Masters;

namespace Aperture.Boards.Tests;

/// <summary>Regions that a tree reserves for devices become the pools that their memory comes from.</summary>
public sealed class ReservedPoolTests : IDisposable
{
    private readonly DeviceTree _tree;
    private readonly Machine _machine;

    public ReservedPoolTests()
    {
        var root = new TreeNode("")
            .Cells("#address-cells", 1)
            .Cells("#size-cells", 1)
            .Strings("compatible", "test,board")
            .Cells("interrupt-parent", 20);
        root.Add(
            new TreeNode("memory@80000000").Strings("device_type", "memory").Cells("reg", 0x8000_0000, 0x1000_0000),
            new TreeNode("reserved-memory").Cells("#address-cells", 1).Cells("#size-cells", 1).Flag("ranges").Add(
                Region(0x8100_0000, 0x10_0000, "shared-dma-pool", 1, "no-map"),
                Region(0x8200_0000, 0x40_0000, "shared-dma-pool", 2, "reusable"),
                Region(0x8300_0000, 0x10_0000, "restricted-dma-pool", 3),
                Region(0x8400_0000, 0x10_0000, "shared-dma-pool", 4, "no-map", "linux,dma-default"),
                Region(0x8500_0000, 0x40_0000, "shared-dma-pool", 5, "reusable", "linux,cma-default")),
            new TreeNode("soc").Strings("compatible", "simple-bus").Cells("#address-cells", 1).Cells("#size-cells", 1).Flag("ranges").Add(
                new TreeNode("controller@1000")
                    .Strings("compatible", "test,intc")
                    .Cells("reg", 0x1000, 0x20)
                    .Flag("interrupt-controller")
                    .Cells("#interrupt-cells", 1).Cells("phandle", 20),
                new TreeNode("mmu@10000")
                    .Strings("compatible", "ti,omap4-iommu")
                    .Cells("reg", 0x1_0000, 0x100)
                    .Cells("#iommu-cells", 0)
                    .Cells("phandle", 10).Cells("interrupts", 1),
                Master("own@20000", 0x2_0000, 1),
                Master("area@30000", 0x3_0000, 2),
                Master("plain@40000", 0x4_0000)));
        _tree = root.Build();
        _machine = Machine.Boot(_tree, new MachineOptions { CpuCaches = new CpuCacheOptions() });
        Assert.Empty(_machine.Drivers.Deferred);
    }

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void Masters_get_their_memory_from_the_regions_that_they_refer_to()
    {
        var own = Find("own");
        using (var buffer = own.Dma.Allocate(0x3000))
            Assert.Equal(0x8100_0000ul, buffer.Memory.Address.Value);
        Assert.Equal(Status.NoMemory, Assert.Throws<ApertureException>(() => own.Dma.Allocate(0x20_0000)).Status);

        using (var buffer = Find("area").Dma.Allocate(0x30_0000))
        using (var pages = Find("area").Dma.AllocatePages(1, DmaDirection.ToDevice))
            Assert.All(
                [buffer.Memory.Address.Value, pages.Memory.Address.Value],
                address => Assert.InRange(address, 0x8200_0000ul, 0x823F_FFFFul));

        // The machine's default area is for more than a page.
        var plain = Find("plain");
        using (var large = plain.Dma.Allocate(0x2000))
        using (var small = plain.Dma.Allocate(0x1000))
            Assert.Equal((0x85ul, false), (large.Memory.Address.Value >> 24, small.Memory.Address.Value >> 24 == 0x85));
    }

    [Fact]
    public void Bytes_behind_an_allocation_in_an_area_are_zero()
    {
        using var machine = Machine.Boot(_tree); // without caches, whose lines are zeroed as a whole
        var area = Find("area", machine);
        using (var first = area.Dma.AllocatePages(0x1000, DmaDirection.ToDevice))
            first.Span.Fill(0x5A);
        using var second = area.Dma.AllocatePages(1, DmaDirection.ToDevice);
        Assert.Equal(-1, machine.Memory.Span(second.Memory.Address, 0x1000).IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void A_direct_device_that_does_not_snoop_has_its_coherent_memory_in_the_default_pool()
    {
        foreach (var snoops in (bool[])[false, true])
        {
            using var plug = _machine.Plug("test,nic", port => new Nic(port), new DeviceDescription { IsCoherent = snoops });
            Assert.True(_machine.Drivers.Bind(plug.Device, new NicDriver(["test,nic"])));
            using var buffer = plug.Device.Dma.Allocate(0x1000);
            Assert.Equal(!snoops, buffer.Memory.Address.Value >> 24 == 0x84);
        }
    }

    private Device Find(string name, Machine? machine = null) => (machine ?? _machine).Masters.Select(master => master.Device!)
        .Single(device => device.Name.Contains(name, StringComparison.Ordinal));

    private static TreeNode Region(uint start, uint length, string compatible, uint phandle, params string[] flags)
    {
        var region = new TreeNode($"region@{start:x}")
            .Strings("compatible", compatible)
            .Cells("reg", start, length)
            .Cells("phandle", phandle);
        foreach (var flag in flags)
            region.Flag(flag);
        return region;
    }

    private static TreeNode Master(string name, uint address, params uint[] regions)
    {
        var master = new TreeNode(name).Strings("compatible", "test,master").Cells("reg", address, 0x100).Cells("iommus", 10);
        return regions.Length == 0 ? master : master.Cells("memory-region", regions);
    }
}
