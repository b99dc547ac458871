using Aperture.DeviceTrees;

namespace ApertureDriver;

/// <summary>A board with memory, an interrupt controller, an IOMMU, and the checksum engine behind it. A tree that dtc made does as well:
/// <see cref="DeviceTree.Parse(ReadOnlySpan{byte})"/> takes its bytes.</summary>
internal static class Board
{
    private const uint Controller = 1, Iommu = 2; // phandles

    public static DeviceTree Tree()
    {
        var tree = new DeviceTreeWriter();
        tree.BeginNode("").Cells("#address-cells", 1).Cells("#size-cells", 1).Strings("compatible", "example,board")
            .Cells("interrupt-parent", Controller);
        tree.BeginNode("memory@80000000").Strings("device_type", "memory").Cells("reg", 0x8000_0000, 0x1000_0000).EndNode();
        tree.BeginNode("soc").Strings("compatible", "simple-bus").Cells("#address-cells", 1).Cells("#size-cells", 1).Property("ranges");
        tree.BeginNode("interrupt-controller@1000").Strings("compatible", "example,controller").Cells("reg", 0x1000, 0x100)
            .Property("interrupt-controller").Cells("#interrupt-cells", 1).Cells("phandle", Controller).EndNode();
        tree.BeginNode("mmu@2000").Strings("compatible", "ti,omap2-iommu").Cells("reg", 0x2000, 0x80).Cells("interrupts", 1)
            .Cells("#iommu-cells", 0).Cells("phandle", Iommu).EndNode();
        tree.BeginNode("checksum@3000").Strings("compatible", "example,checksum").Cells("reg", 0x3000, 0x100).Cells("interrupts", 2)
            .Cells("iommus", Iommu).EndNode();
        tree.EndNode();
        tree.EndNode();
        return DeviceTree.Parse(tree.ToArray());
    }
}
