using Aperture.Boards.Tests.Checking;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Tests.Pci;

/// <summary>Trees with a PCI host.</summary>
internal static class PciTrees
{
    public const ulong Ecam = 0x1000_0000;
    public const ulong Window = 0x2000_0000;
    public const ulong Ram = 0x8000_0000;

    /// <summary>A host whose devices are behind a Tegra SMMU by <c>iommu-map</c>, or go to memory by themselves.</summary>
    /// <param name="map">The map's cells after a phandle of 30 for the unit; empty for no map.</param>
    /// <param name="hasMessages">Whether there is a frame for messages.</param>
    /// <param name="mask">The map's mask.</param>
    /// <param name="first">The first window's address on the buses.</param>
    /// <param name="function">The first cell of an educational device's place; 0 for none.</param>
    public static DeviceTree Build(
        uint[] map, bool hasMessages = true, uint mask = 0xFFFF, uint first = 0x2000_0000, uint function = 0)
    {
        var pcie = new TreeNode("pcie@10000000").Strings("compatible", "pci-host-ecam-generic").Strings("device_type", "pci")
            .Cells("reg", 0x1000_0000, 0x100_0000).Cells("#address-cells", 3).Cells("#size-cells", 2).Cells("bus-range", 0, 15)
            .Cells("ranges",
                0x0200_0000, 0, first, 0x2000_0000, 0, 0x1000_0000,
                0x0300_0000, 0, 0x4000_0000, 0x4000_0000, 0, 0x1000_0000)
            .Flag("dma-coherent")
            .Cells("#interrupt-cells", 1).Cells("interrupt-map-mask", 0x1800, 0, 0, 7).Cells("interrupt-map", Interrupts());
        if (map.Length > 0)
            pcie.Cells("iommu-map", map).Cells("iommu-map-mask", mask);
        if (function != 0)
            pcie.Add(new TreeNode("edu@1,0").Strings("compatible", "pci1234,11e8").Cells("reg", function, 0, 0, 0, 0));
        if (hasMessages)
            pcie.Cells("msi-parent", 21);
        var root = new TreeNode("").Cells("#address-cells", 1).Cells("#size-cells", 1).Strings("compatible", "test,board");
        root.Add(
            new TreeNode("memory@80000000").Strings("device_type", "memory").Cells("reg", 0x8000_0000, 0x1000_0000),
            new TreeNode("soc").Strings("compatible", "simple-bus").Cells("#address-cells", 1).Cells("#size-cells", 1).Flag("ranges")
                .Cells("interrupt-parent", 20).Add(
                new TreeNode("controller@1000").Strings("compatible", "test,intc").Cells("reg", 0x1000, 0x20)
                    .Flag("interrupt-controller").Cells("#interrupt-cells", 1).Cells("#address-cells", 0).Cells("phandle", 20),
                new TreeNode("v2m@2000").Strings("compatible", "arm,gic-v2m-frame").Cells("reg", 0x2000, 0x1000)
                    .Flag("msi-controller").Cells("arm,msi-base-spi", 65).Cells("arm,msi-num-spis", 63).Cells("phandle", 21),
                new TreeNode("mc@10000").Strings("compatible", "nvidia,tegra124-mc").Cells("reg", 0x1_0000, 0x1000)
                    .Cells("#iommu-cells", 1).Cells("phandle", 30).Cells("interrupts", 1),
                pcie));
        return root.Build();
    }

    /// <summary>INTA to INTD of devices 0 to 3, turned: inputs 40 to 43.</summary>
    private static uint[] Interrupts()
    {
        var cells = new List<uint>();
        for (uint device = 0; device < 4; device++)
        {
            for (uint pin = 1; pin <= 4; pin++)
                cells.AddRange([device << 11, 0, 0, pin, 20, 40 + ((device + pin - 1) % 4)]);
        }

        return [.. cells];
    }
}
