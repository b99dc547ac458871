using Aperture.DeviceTrees;

namespace Aperture.Tests.DeviceTrees;

public class RealBoardTests
{
    // board; then master = unit[, unit]: facts of the boards, by Linux device names.
    public static TheoryData<string, string> Masters => new()
    {
        { "omap3-beagle-xm", "480bc000.isp=480bd400.mmu" },
        { "omap4-panda-es", "ocp:dsp=4a066000.mmu; 55020000.ipu=55082000.mmu" },
        { "omap5-uevm", "ocp:dsp=4a066000.mmu; 55020000.ipu=55082000.mmu" },
        {
            "am57xx-beagle-x15",
            "58820000.ipu=58882000.mmu; 55020000.ipu=55082000.mmu; 40800000.dsp=40d01000.mmu,40d02000.mmu; " +
                "41000000.dsp=41501000.mmu,41502000.mmu"
        },
        {
            "exynos4412-odroidu3",
            "11800000.fimc=11a20000.sysmmu; 11810000.fimc=11a30000.sysmmu; 11820000.fimc=11a40000.sysmmu; 11830000.fimc=11a50000.sysmmu; "
            + "13400000.codec=13620000.sysmmu,13630000.sysmmu; 11840000.jpeg-codec=11a60000.sysmmu; 12810000.rotator=12a30000.sysmmu; "
            + "12c10000.mixer=12e20000.sysmmu; 10800000.g2d=10a40000.sysmmu"
        },
        {
            "exynos5433-tm2",
            "13800000.decon=13a00000.sysmmu,13a10000.sysmmu; 13880000.decon=13a20000.sysmmu,13a30000.sysmmu; " +
                "13c00000.video-scaler=13c80000.sysmmu; "
            + "13c10000.video-scaler=13c90000.sysmmu; 13c20000.video-scaler=13ca0000.sysmmu; 15000000.scaler=15040000.sysmmu; "
            + "15010000.scaler=15050000.sysmmu; 15020000.codec=15060000.sysmmu; 152e0000.codec=15200000.sysmmu,15210000.sysmmu"
        },
    };

    public static TheoryData<string> Boards => BoardFiles.Directory is { } d
        ? [.. Directory.GetFiles(d, "*.dtb").Select(f => Path.GetFileNameWithoutExtension(f)!).Order()] : ["none"];

    [BoardTheory]
    [MemberData(nameof(Masters))]
    public void Masters_are_devices_and_lead_to_their_units(string board, string expected)
    {
        var tree = DeviceTree.Parse(BoardFiles.Read(board));
        var found = tree.Devices().Where(d => d.Has("iommus"))
            .Select(d => d.DeviceName + "="
                + string.Join(",", d.Iommus().Select(i => i.IsValid ? i.Target.DeviceName : i.Error.ToString())));
        Assert.Equal(expected.Split("; ").Order(), found.Order());
    }

    [BoardTheory]
    [MemberData(nameof(Boards))]
    public void Everything_referenced_is_there(string board)
    {
        var tree = DeviceTree.Parse(BoardFiles.Read(board));
        Assert.NotEmpty(tree.Devices());
        Assert.All(tree.Aliases(), a => Assert.NotNull(a.Value));
        foreach (var device in tree.Devices())
        {
            PhandleReference[] all =
                [.. device.Iommus(), .. device.Clocks(), .. device.Resets(), .. device.PowerDomains(), .. device.MemoryRegions(),
                .. device.Interrupts()];
            Assert.All(all, r => Assert.True(r.Error is PhandleError.None or PhandleError.Empty, $"{device.Path}: {r}"));
        }
        var names = tree.Devices().Select(d => d.DeviceName).ToList();
        Assert.Equal(names.Distinct().Order(), names.Order());
    }

    [BoardTheory]
    [MemberData(nameof(Boards))]
    public void Writing_and_reading_gives_the_same_tree(string board)
    {
        var tree = DeviceTree.Parse(BoardFiles.Read(board));
        var again = DeviceTree.Parse(new DeviceTreeWriter().Copy(tree.Root).ToArray());
        Assert.Equal(tree.Nodes().Select(n => n.Path), again.Nodes().Select(n => n.Path));
        Assert.Equal(
            tree.Nodes().SelectMany(n => n.Properties, (n, p) => $"{n.Path} {p.Name} {Convert.ToHexString(p.Value.Span)}"),
            again.Nodes().SelectMany(n => n.Properties, (n, p) => $"{n.Path} {p.Name} {Convert.ToHexString(p.Value.Span)}"));
    }
}
