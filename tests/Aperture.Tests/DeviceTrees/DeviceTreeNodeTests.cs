using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.DeviceTrees;

namespace Aperture.Tests.DeviceTrees;

public class DeviceTreeNodeTests
{
    // Every node is closed by the caller's lambda's end; the root has one cell of each kind.
    private static DeviceTree Tree(Action<DeviceTreeWriter> body)
    {
        var writer = new DeviceTreeWriter { BootCpu = 3 }.Reserve(0x1000, 0x2000).BeginNode("").Cells("#address-cells", 1)
            .Cells("#size-cells", 1);
        body(writer);
        return DeviceTree.Parse(writer.EndNode().ToArray());
    }

    [Fact]
    public void Header_facts()
    {
        var tree = Tree(_ => { });
        Assert.Equal(3u, tree.BootCpu);
        Assert.Equal((MemoryReservation[])[new MemoryReservation(new(0x1000), 0x2000)], tree.MemoryReservations.AsEnumerable());
    }

    [Fact]
    public void Registers_pass_every_bus_above()
    {
        var tree = Tree(w => w.BeginNode("bus@40000000").Cells("#address-cells", 1).Cells("#size-cells", 1).Cells("reg", 0x4000_0000, 0x100)
            .Cells("ranges", 0, 0x4000_0000, 0x1000, 0x8000, 0x5000_0000, 0x1000)
            .BeginNode("inner").Strings("compatible", "simple-bus").Flag("ranges")
            .BeginNode("dev@8010").Cells("reg", 0x8010, 0x20, 0x9000, 0x20).Strings("reg-names", "a", "b").Strings("compatible", "x")
                .EndNode()
            .EndNode().EndNode());
        var device = tree.Find("/bus/inner/dev")!;
        Assert.Equal((RegisterBlock[])[new RegisterBlock(0x8010, 0x20, new PhysicalAddress(0x5000_0010), "a"),
            new RegisterBlock(0x9000, 0x20, null, "b")], device.Registers().AsEnumerable());
        Assert.Equal("50000010.dev", device.DeviceName);
        Assert.Equal("40000000.bus:inner", device.Parent!.DeviceName);
    }

    [Fact]
    public void Without_ranges_there_is_no_address()
    {
        var tree = Tree(w => w.BeginNode("i2c@1000").Cells("reg", 0x1000, 0x10).Cells("#address-cells", 1).Cells("#size-cells", 0)
            .BeginNode("sensor@48").Cells("reg", 0x48).EndNode().EndNode().BeginNode("dsp").EndNode());
        Assert.Null(tree.Find("/i2c/sensor")!.Address);
        Assert.Equal("1000.i2c:sensor@48", tree.Find("/i2c/sensor")!.DeviceName);
        Assert.Equal("dsp", tree.Find("/dsp")!.DeviceName);
    }

    [Fact]
    public void Devices_are_what_is_enabled_below_buses()
    {
        var tree = Tree(w =>
        {
            w.BeginNode("chosen").Strings("compatible", "no").EndNode();
            w.BeginNode("soc").Strings("compatible", "simple-bus").Flag("ranges");
            w.BeginNode("a@10").Strings("compatible", "x").Cells("reg", 0x10, 4).BeginNode("port").Strings("compatible", "no").EndNode()
                .EndNode();
            w.BeginNode("b@20").Strings("compatible", "x").Strings("status", "disabled").Flag("ranges").BeginNode("c")
                .Strings("compatible", "no").EndNode().EndNode();
            w.BeginNode("plain").EndNode().EndNode();
        });
        Assert.Equal(["/soc", "/soc/a@10"], tree.Devices().Select(d => d.Path));
    }

    [Fact]
    public void References_carry_their_errors()
    {
        var tree = Tree(w =>
        {
            w.BeginNode("u").Cells("phandle", 1).Cells("#iommu-cells", 2).EndNode();
            w.BeginNode("v").Cells("linux,phandle", 2).EndNode();
            w.BeginNode("huge").Cells("phandle", 3).Cells("#iommu-cells", 0xFFFF_FFFF).EndNode();
            w.BeginNode("ok").Cells("iommus", 1, 7, 8, 0, 1, 9, 10).EndNode();
            w.BeginNode("short").Cells("iommus", 1, 7).EndNode();
            w.BeginNode("lost").Cells("iommus", 99).EndNode();
            w.BeginNode("none").Cells("iommus", 2).EndNode();
            w.BeginNode("many").Cells("iommus", 3, 1).EndNode();
            w.BeginNode("odd").Property("iommus", [0, 0, 0, 0, 1]).EndNode();
        });
        Assert.Equal(["7 8", "", "9 10"], tree.Find("/ok")!.Iommus().Select(r => string.Join(' ', r.Arguments)));
        Assert.Equal([PhandleError.None, PhandleError.Empty, PhandleError.None], tree.Find("/ok")!.Iommus().Select(r => r.Error));
        Assert.Equal(PhandleError.Truncated, Assert.Single(tree.Find("/short")!.Iommus()).Error);
        Assert.Equal(PhandleError.Unresolved, Assert.Single(tree.Find("/lost")!.Iommus()).Error);
        Assert.Equal(PhandleError.NoCells, Assert.Single(tree.Find("/none")!.Iommus()).Error);
        Assert.Equal(PhandleError.TooManyCells, Assert.Single(tree.Find("/many")!.Iommus()).Error);
        Assert.Equal([PhandleError.Empty, PhandleError.Truncated], tree.Find("/odd")!.Iommus().Select(r => r.Error));
    }

    [Fact]
    public void Interrupts_go_to_the_nearest_parent_that_takes_them()
    {
        var tree = Tree(w =>
        {
            w.Cells("interrupt-parent", 1);
            w.BeginNode("gic").Cells("phandle", 1).Cells("#interrupt-cells", 3).EndNode();
            w.BeginNode("nexus").Cells("phandle", 2).Cells("interrupt-parent", 1).EndNode();
            w.BeginNode("a").Cells("interrupts", 0, 5, 4, 0, 6, 4).Strings("interrupt-names", "x", "y").EndNode();
            w.BeginNode("b").Cells("interrupt-parent", 2).Cells("interrupts", 0, 7, 4, 1).EndNode();
            w.BeginNode("c").Cells("interrupts-extended", 1, 0, 8, 4).EndNode();
            w.BeginNode("d").Cells("phandle", 4).Cells("interrupt-parent", 4).Cells("interrupts", 1).EndNode();
        });
        Assert.Equal(["x 0 5 4", "y 0 6 4"], tree.Find("/a")!.Interrupts().Select(i => $"{i.Name} {string.Join(' ', i.Arguments)}"));
        Assert.Equal([PhandleError.None, PhandleError.Truncated], tree.Find("/b")!.Interrupts().Select(i => i.Error));
        Assert.Equal("/gic", tree.Find("/c")!.Interrupts()[0].Target!.Path);
        Assert.Equal(PhandleError.Unresolved, Assert.Single(tree.Find("/d")!.Interrupts()).Error);
    }

    [Fact]
    public void Dma_windows()
    {
        var tree = Tree(w =>
        {
            w.BeginNode("bus").Cells("#address-cells", 1).Cells("#size-cells", 1).Flag("ranges")
                .Cells("dma-ranges", 0, 0x8000_0000, 0x1000_0000);
            w.BeginNode("inner").Flag("ranges").Flag("dma-ranges").BeginNode("a").EndNode().EndNode();
            w.BeginNode("b").Flag("dma-coherent").BeginNode("c").Flag("dma-noncoherent").EndNode().EndNode().EndNode();
            w.BeginNode("gap").BeginNode("seen").Flag("dma-ranges").BeginNode("d").EndNode().EndNode().EndNode();
            w.BeginNode("e").EndNode();
        });
        foreach (var path in new[] { "/bus/inner/a", "/bus/b" })
        {
            Assert.Equal(Status.Ok, tree.Find(path)!.TryGetDmaRanges(out var ranges));
            Assert.Equal((DmaRange[])[new DmaRange(new(0x8000_0000), 0, 0x1000_0000)], ranges.AsEnumerable());
        }
        Assert.Equal(Status.NoDevice, tree.Find("/gap/seen/d")!.TryGetDmaRanges(out _));
        Assert.Equal(Status.NoDevice, tree.Find("/e")!.TryGetDmaRanges(out _));
        Assert.True(tree.Find("/bus/b")!.IsDmaCoherent);
        Assert.False(tree.Find("/bus/b/c")!.IsDmaCoherent);
        Assert.False(tree.Find("/e")!.IsDmaCoherent);
    }

    [Fact]
    public void Iommu_map()
    {
        var tree = Tree(w =>
        {
            w.BeginNode("u").Cells("phandle", 1).Cells("#iommu-cells", 1).EndNode();
            w.BeginNode("p").Cells("iommu-map", 0x100, 1, 0x40, 0x10, 0x200, 99, 0, 1).Cells("iommu-map-mask", 0xFFFF).EndNode();
            w.BeginNode("bad").Cells("iommu-map", 0x100, 1, 0x40).EndNode();
            w.BeginNode("masked").Cells("iommu-map", 0x100, 1, 0, 1).Cells("iommu-map-mask", 0xFF).EndNode();
        });
        var node = tree.Find("/p")!;
        Assert.Equal((Status.Ok, 0x45u, "/u"),
            (node.TryMapIommuId(0x1_0105, out var unit, out var cells), Assert.Single(cells), unit?.Path));
        Assert.Equal((Status.Ok, 0, null), (node.TryMapIommuId(0x110, out unit, out cells), cells.Length, unit));
        Assert.Equal(Status.NoDevice, node.TryMapIommuId(0x200, out _, out _));
        Assert.Equal(Status.InvalidArgument, tree.Find("/bad")!.TryMapIommuId(0, out _, out _));
        Assert.Equal(Status.BadAddress, tree.Find("/masked")!.TryMapIommuId(0, out _, out _));
        Assert.Equal(Status.NoDevice, tree.Find("/u")!.TryMapIommuId(0, out _, out _));
    }

    [Fact]
    public void An_entry_of_iommu_map_was_read_as_four_cells_whatever_its_unit_asks_for()
    {
        var tree = Tree(w =>
        {
            w.BeginNode("none").Cells("phandle", 1).Cells("#iommu-cells", 0).EndNode();
            w.BeginNode("two").Cells("phandle", 2).Cells("#iommu-cells", 2).EndNode();
            w.BeginNode("mixed").Cells("iommu-map", 0, 2, 0x1C00, 0x3F, 0x10, 0x100, 1, 0x20).EndNode();
            w.BeginNode("four-of-five")
                .Cells("iommu-map", 0, 2, 0x80, 1, 1, 0x100, 2, 0x81, 1, 1, 0x200, 2, 0x82, 1, 1, 0x300, 2, 0x83, 1, 1).EndNode();
            w.BeginNode("older").Cells("iommu-map", 0, 2, 0x1C10, 1, 0x100, 2, 0x1C11, 2).EndNode();
        });
        Assert.Equal("two 1c05 3f", Map("/mixed", 5));
        Assert.Equal("none", Map("/mixed", 0x11F));
        Assert.Equal("two 83 1", Map("/four-of-five", 0x300));
        Assert.Equal("two 1c12 0", Map("/older", 0x101));

        string Map(string path, uint id)
        {
            Assert.Equal(Status.Ok, tree.Find(path)!.TryMapIommuId(id, out var unit, out var cells));
            return string.Join(' ', [unit!.Name, .. cells.Select(cell => $"{cell:x}")]);
        }
    }

    [Fact]
    public void Memory_and_what_of_it_is_reserved()
    {
        var tree = Tree(w =>
        {
            w.BeginNode("memory@80000000").Strings("device_type", "memory").Cells("reg", 0x8000_0000, 0x1000_0000, 0x9000_0000, 0)
                .EndNode();
            w.BeginNode("reserved-memory").Flag("ranges");
            w.BeginNode("fixed@81000000").Cells("reg", 0x8100_0000, 0x1000).Flag("no-map").Cells("phandle", 1).EndNode();
            w.BeginNode("pool").Strings("compatible", "shared-dma-pool").Flag("reusable").Cells("size", 0x2000).Cells("alignment", 0x1000)
                .Cells("alloc-ranges", 0x8000_0000, 0x100_0000).EndNode();
            w.BeginNode("off").Strings("status", "disabled").Cells("size", 1).EndNode();
            w.EndNode();
            w.BeginNode("dev").Cells("memory-region", 1).Strings("memory-region-names", "left").EndNode();
            w.BeginNode("aliases").Strings("p", "/reserved-memory/pool").Strings("q", "p").EndNode();
        });
        Assert.Equal((MemoryRange[])[new MemoryRange(new(0x8000_0000), 0x1000_0000)], tree.Memory().AsEnumerable());
        Assert.Equal(["fixed@81000000", "pool"], tree.ReservedMemory().Select(r => r.Node.Name));
        var pool = tree.Find("p")!.AsReservedMemory!;
        Assert.True(pool is
        {
            IsDynamic: true, IsReusable: true, IsSharedDmaPool: true, IsUnmapped: false, Size: 0x2000,
            Alignment: 0x1000
        });
        Assert.Equal((MemoryRange[])[new MemoryRange(new(0x8000_0000), 0x100_0000)], pool.AllocationRanges.AsEnumerable());
        var region = Assert.Single(tree.Find("/dev")!.MemoryRegions());
        Assert.Equal(("left", false, true),
            (region.Name, region.Target!.AsReservedMemory!.IsDynamic, region.Target.AsReservedMemory!.IsUnmapped));
        Assert.Null(tree.Find("q"));
        Assert.Equal("p", Assert.Single(tree.Aliases()).Key);
    }

    [Fact]
    public void Strings_hold_no_control_characters() =>
        Assert.Equal("a\uFFFDb", Tree(w => w.Property("s", "a\nb\0"u8)).Root.String("s"));
}
