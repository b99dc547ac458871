using Aperture.Boards.Checking;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Tests.Checking;

public class OwnBoardTests
{
    public static TheoryData<string> Boards => BoardFiles.Names(BoardFiles.Own);

    [Theory]
    [MemberData(nameof(Boards))]
    public void Our_boards_have_no_findings(string board) => Assert.Empty(BoardChecker.Check(Read(board)));

    [Theory]
    [InlineData("omap3-isp", "480bc000.isp=480bd400.mmu", "48056000.dma-controller")]
    [InlineData("exynos4412-media", "13400000.codec=13620000.sysmmu+13630000.sysmmu", "11830000.fimc=11a50000.sysmmu")]
    [InlineData("dra7-dsp", "40800000.dsp=40d01000.mmu+40d02000.mmu", "58820000.ipu=58882000.mmu")]
    [InlineData("exynos5433-media", "13800000.decon=13a00000.sysmmu+13a10000.sysmmu", "152e0000.codec=15200000.sysmmu+15210000.sysmmu")]
    [InlineData(
        "apq8064-media",
        "4600000.codec=7300000.iommu+7300000.iommu",
        "5100000.display-controller=7500000.iommu+7500000.iommu+7600000.iommu+7600000.iommu")]
    [InlineData("edu", "20000000.edu=10100000.mmu", "20100000.edu=10200000.sysmmu")]
    [InlineData(
        "tegra124-media",
        "54600000.camera=70019000.memory-controller+70019000.memory-controller",
        "60020000.dma=70019000.memory-controller")]
    [InlineData("rk3399-media", "ff660000.video-codec=ff660480.iommu", "ff910000.isp0=ff914000.iommu")]
    [InlineData("smmuv3-media", "a000000.camera=9050000.iommu+9050000.iommu", "a010000.codec=9050000.iommu")]
    [InlineData("virt-arm64", "a000000.display=9050000.iommu", "3f000000.pcie")]
    [InlineData("exynos850-usb", "12c20000.scaler=12c50000.sysmmu", "13600000.usb")]
    public void Their_masters_are_behind_the_right_units(string board, params string[] masters)
    {
        var found = Read(board).Devices()
            .Select(d => d.Iommus() is { IsEmpty: false } units ? d.DeviceName + "=" + string.Join(
                '+', units.Select(u => u.Target!.DeviceName)) : d.DeviceName).ToHashSet();
        Assert.Superset(masters.ToHashSet(), found);
        Assert.NotEmpty(masters);
    }

    private static DeviceTree Read(string board) => DeviceTree.Parse(File.ReadAllBytes(Path.Combine(BoardFiles.Own, board + ".dtb")));
}
