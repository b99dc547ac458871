using Aperture.DeviceTrees;

namespace Aperture.Pocket.Tests;

/// <summary>A board with a Pocket MMU: a camera of which nothing is known, an adder that is ours, and a second adder that goes to memory by
/// a bus of its own.</summary>
internal static class Tree
{
    public const uint WindowStart = 0x4000_0000;

    public static DeviceTree Build(Action<DeviceTreeWriter>? onUnit = null, uint window = 0x20)
    {
        var writer = new DeviceTreeWriter();
        writer.BeginNode("")
            .Cells("#address-cells", 1)
            .Cells("#size-cells", 1)
            .Strings("compatible", "test,pocket-board")
            .Cells("interrupt-parent", 9);
        writer.BeginNode("memory@80000000").Strings("device_type", "memory").Cells("reg", 0x8000_0000, 0x1000_0000).EndNode();
        writer.BeginNode("soc").Strings("compatible", "simple-bus").Cells("#address-cells", 1).Cells("#size-cells", 1).Property("ranges");
        writer.BeginNode("controller@3000").Strings("compatible", "test,intc").Cells("reg", 0x3000, 0x20).Property("interrupt-controller")
            .Cells("#interrupt-cells", 1).Cells("phandle", 9).EndNode();
        writer.BeginNode("clock@4000")
            .Strings("compatible", "test,clock")
            .Cells("reg", 0x4000, 0x20)
            .Cells("#clock-cells", 1)
            .Cells("phandle", 8).EndNode();
        writer.BeginNode("iommu@10000").Strings("compatible", "test,pocket-mmu").Cells("reg", 0x1_0000, window).Cells("interrupts", 1)
            .Cells("#iommu-cells", 0).Cells("phandle", 1);
        onUnit?.Invoke(writer);
        writer.EndNode();
        writer.BeginNode("camera@20000")
            .Strings("compatible", "test,camera")
            .Cells("reg", 0x2_0000, 0x100)
            .Cells("interrupts", 2)
            .Cells("iommus", 1).EndNode();
        writer.BeginNode("iommu@11000").Strings("compatible", "test,pocket-mmu").Cells("reg", 0x1_1000, window).Cells("interrupts", 4)
            .Cells("#iommu-cells", 0).Cells("phandle", 2).EndNode();
        writer.BeginNode("sum@30000")
            .Strings("compatible", "test,sum2", "test,sum")
            .Cells("reg", 0x3_0000, 0x100)
            .Cells("interrupts", 3)
            .Cells("clocks", 8, 5)
            .Strings("clock-names", "bus").Cells("iommus", 2).EndNode();
        writer.BeginNode("bus@40000000")
            .Strings("compatible", "simple-bus")
            .Cells("#address-cells", 1)
            .Cells("#size-cells", 1)
            .Property("ranges")
            .Cells("dma-ranges", WindowStart, 0x8000_0000, 0x1000_0000);
        writer.BeginNode("sum@50000").Strings("compatible", "test,sum").Cells("reg", 0x5_0000, 0x100).EndNode();
        writer.EndNode();
        writer.EndNode();
        writer.EndNode();
        return DeviceTree.Parse(writer.ToArray());
    }
}
