using Aperture.Boards.Checking;
using Aperture.Boards.Units;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Tests.Checking;

/// <summary>Every IOMMU that mainline's bindings document is known, and each row of the catalogue means one of them: none is passed over,
/// and no row is one that nothing can match.</summary>
public class UnitCatalogTests
{
    // By binding document. What has a model is found by UnitList instead.
    private static readonly (string Compatible, string Family)[] s_documented =
    [
        // allwinner,sun50i-h6-iommu
        ("allwinner,sun50i-h6-iommu", "Allwinner IOMMU"), ("allwinner,sun50i-h616-iommu", "Allwinner IOMMU"),
        // apple,dart and apple,sart
        ("apple,t8103-dart", "Apple DART"), ("apple,t8103-usb4-dart", "Apple DART"), ("apple,t8110-dart", "Apple DART"),
        ("apple,t6000-dart", "Apple DART"), ("apple,t6000-sart", "Apple SART"), ("apple,t8103-sart", "Apple SART"),
        // arm,smmu
        ("arm,smmu-v1", "Arm SMMU"), ("arm,smmu-v2", "Arm SMMU"), ("arm,mmu-400", "Arm SMMU"), ("arm,mmu-401", "Arm SMMU"),
        ("arm,mmu-500", "Arm SMMU"), ("cavium,smmu-v2", "Arm SMMU"), ("marvell,ap806-smmu-500", "Arm SMMU"),
        ("nvidia,smmu-500", "Arm SMMU"), ("nvidia,tegra186-smmu", "Arm SMMU"), ("nvidia,tegra194-smmu", "Arm SMMU"),
        ("nvidia,tegra234-smmu", "Arm SMMU"), ("qcom,adreno-smmu", "Arm SMMU"),
        ("qcom,msm8996-smmu-v2", "Arm SMMU"), ("qcom,sdm845-smmu-500", "Arm SMMU"), ("qcom,smmu-500", "Arm SMMU"),
        ("qcom,smmu-v2", "Arm SMMU"), ("qcom,qsmmu-v500", "Arm SMMU"),
        // arm,smmu-v3 with NVIDIA's queues
        ("nvidia,tegra264-smmu", "Arm SMMUv3"),
        // mediatek,iommu
        ("mediatek,mt2701-m4u", "MediaTek M4U"), ("mediatek,mt8173-m4u", "MediaTek M4U"), ("mediatek,mt8192-m4u", "MediaTek M4U"),
        ("mediatek,mt8186-iommu-mm", "MediaTek M4U"), ("mediatek,mt8188-iommu-vpp", "MediaTek M4U"),
        ("mediatek,mt8195-iommu-infra", "MediaTek M4U"), ("mediatek,mt8195-iommu-vdo", "MediaTek M4U"),
        // nvidia,tegra20-mc and nvidia,tegra30-smmu
        ("nvidia,tegra20-mc-gart", "NVIDIA Tegra GART"), ("nvidia,tegra20-gart", "NVIDIA Tegra GART"),
        ("nvidia,tegra30-smmu", "NVIDIA Tegra SMMU"),
        // qcom,iommu
        ("qcom,msm-iommu-v1", "Qualcomm MSM IOMMU"), ("qcom,msm-iommu-v2", "Qualcomm MSM IOMMU"),
        // renesas,ipmmu-vmsa
        ("renesas,ipmmu-vmsa", "Renesas IPMMU"), ("renesas,ipmmu-r8a774a1", "Renesas IPMMU"),
        ("renesas,rcar-gen4-ipmmu-vmsa", "Renesas IPMMU"),
        // riscv,iommu
        ("riscv,iommu", "RISC-V IOMMU"), ("riscv,pci-iommu", "RISC-V IOMMU"), ("qemu,riscv-iommu", "RISC-V IOMMU"),
        ("pci1efd,edf1", "RISC-V IOMMU"),
        // rockchip,iommu and what vendors have of it
        ("rockchip,iommu-v2", "Rockchip IOMMU"), ("rockchip,rk3588-iommu", "Rockchip IOMMU"), ("rockchip,vop_mmu", "Rockchip IOMMU"),
        // sprd,iommu; verisilicon,iommu; virtio; xen; fsl,pamu
        ("sprd,iommu-v1", "Unisoc IOMMU"), ("verisilicon,iommu-1.2", "VeriSilicon IOMMU"), ("virtio,pci-iommu", "virtio-iommu"),
        ("pci1af4,1057", "virtio-iommu"), ("virtio,mmio", "virtio-iommu"), ("xen,grant-dma", "Xen grant DMA"),
        ("fsl,pamu-v1.0", "Freescale PAMU"),
        // vendors' kernels
        ("qcom,msm-smmu-v2", "Qualcomm MSM IOMMU"), ("samsung,exynos-sysmmu-v7", "Samsung SysMMU"),
        ("allwinner,sunxi-iommu", "Allwinner IOMMU"), ("hisilicon,hisi-smmu-lpae", "HiSilicon SMMU"),
        ("sprd,iommuvaul5p-disp", "Unisoc IOMMU"),
    ];

    [Fact]
    public void Each_documented_unit_is_known() => Assert.All(
        s_documented, unit => Assert.Equal(unit.Family, UnitCatalog.Find(Node(unit.Compatible, true))?.Family));

    [Fact]
    public void Each_row_means_something_that_is_documented()
    {
        Assert.NotEmpty(UnitCatalog.Bindings);
        Assert.All(
            UnitCatalog.Bindings,
            row => Assert.True(
                s_documented.Any(unit => ReferenceEquals(UnitCatalog.Find(Node(unit.Compatible, true)), row)), row.Pattern));
    }

    [Fact]
    public void No_row_is_of_a_unit_that_has_a_model()
    {
        Assert.NotEmpty(UnitCatalog.Bindings);
        Assert.All(
            UnitList.Default.Kinds.SelectMany(kind => kind.Bindings).Where(binding => binding.Pattern != "rockchip,rk3568-iommu"),
            binding => Assert.Null(UnitCatalog.Find(Node(binding.Pattern, true))));
    }

    [Fact]
    public void The_documented_table_says_what_becomes_of_each()
    {
        var rows = File.ReadLines(Path.Combine(BoardFiles.Own, "..", "docs", "iommu-bindings.md"))
            .Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Skip(1).Select(line => line.Split('|')).ToArray();
        var names = rows.SelectMany(row => row[2].Split('`').Where((_, i) => i % 2 == 1).Select(name => (name, row[3].Trim()))).ToArray();
        Assert.All(names, row => Assert.Equal((row.name, row.Item2), (row.name, Fate(row.name))));
        Assert.Superset(s_documented.Select(unit => unit.Compatible).ToHashSet(),
            names.Select(row => row.name).ToHashSet());
        Assert.All(
            UnitList.Default.Kinds.SelectMany(kind => kind.Bindings),
            binding => Assert.Contains(names, row => binding.Matches(row.name) && row.Item2 == "model"));
    }

    private static string Fate(string compatible)
    {
        var node = Node(compatible, true);
        return UnitList.Default.Has(node) ? "model"
            : UnitCatalog.Find(node) is not { } binding ? "no unit"
            : binding.IsOlder ? "older" : "known";
    }

    [Fact]
    public void A_virtio_device_without_cells_is_no_unit() => Assert.Null(UnitCatalog.Find(Node("virtio,mmio", false)));

    private static DeviceTreeNode Node(string compatible, bool hasCells)
    {
        var unit = new TreeNode("unit").Strings("compatible", compatible);
        if (hasCells)
            unit.Cells("#iommu-cells", 1);
        return new TreeNode("").Add(unit).Build().Root.Children[0];
    }
}
