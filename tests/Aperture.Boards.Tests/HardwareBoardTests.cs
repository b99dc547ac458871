using Aperture.Boards.Tests.Checking;
using Aperture.Boards.Tests.Running;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.DeviceTrees;
using Aperture.Hardware.Bus;

namespace Aperture.Boards.Tests;

public sealed class HardwareBoardTests
{
    [Theory]
    [InlineData("apq8064-media")]
    [InlineData("dra7-dsp")]
    [InlineData("exynos4412-media")]
    [InlineData("exynos5433-media")]
    [InlineData("exynos850-usb")]
    [InlineData("omap3-isp")]
    [InlineData("rk3399-media")]
    [InlineData("smmuv3-media")]
    [InlineData("tegra124-media")]
    public void A_board_has_the_units_that_a_machine_has_and_masters_behind_them(string name)
    {
        var tree = Runs.Own(name);
        using var machine = Machine.Boot(tree);
        using var memory = new PhysicalMemory(new MemoryRange(new(0xFFF_0000_0000), 0x10000));
        var board = new HardwareBoard(tree, new SystemBus(memory));
        Assert.Equal(
            machine.Units.Select(unit => (unit.Node, unit.Model.GetType(), unit.Model.Size)),
            board.Units.Select(unit => (unit.Node, unit.Model.GetType(), unit.Model.Size)));
        foreach (var unit in board.Units)
        {
            Assert.Same(unit.Model, unit.Blocks[0].Device);
            Assert.Equal(unit.Node.Registers()[0].Address, unit.Blocks[0].Address);
            Assert.True(unit.Model.Answers);
        }

        foreach (var node in tree.Devices().Where(node => node.Has("iommus")))
            Assert.Equal(node.Iommus()[0].Target, board.Units.Single(unit => unit.Model == board.PortOf(node).Unit).Node);
    }

    /// <summary>Whichever of the two comes first, and with another far before them and one far behind.</summary>
    [Theory]
    [InlineData(0x4000_0000u, 0x4000_0080u)]
    [InlineData(0x4000_0080u, 0x4000_0000u)]
    [InlineData(0x4000_0000u, 0x4000_00FCu)]
    [InlineData(0x4000_0000u, 0x4000_0000u)]
    public void Units_whose_registers_overlap_are_refused_by_name(uint first, uint second)
    {
        using var memory = new PhysicalMemory(new MemoryRange(new(0xFFF_0000_0000), 0x10000));
        var board = new HardwareBoard(Tree(0x3000_0000, 0x5000_0000, first), new SystemBus(memory));
        Assert.Equal(3, board.Units.Count);
        var error = Assert.Throws<ApertureException>(
            () => new HardwareBoard(Tree(0x3000_0000, 0x5000_0000, first, second), new SystemBus(memory)));
        Assert.Equal(Status.AlreadyExists, error.Status);
        Assert.Contains($"/mmu3@{second:x}: ", error.Message, StringComparison.Ordinal);

        static DeviceTree Tree(params uint[] units) => new TreeNode("")
            .Cells("#address-cells", 1)
            .Cells("#size-cells", 1)
            .Add([.. units.Select((at, i) => new TreeNode($"mmu{i}@{at:x}").Strings("compatible", "ti,omap2-iommu")
                .Cells("reg", at, 0x100).Cells("#iommu-cells", 0).Cells("phandle", (uint)i + 1))])
            .Build();
    }

    [Fact]
    public void A_master_behind_nothing_is_straight_on_the_bus()
    {
        var tree = Runs.Own("omap3-isp");
        using var memory = new PhysicalMemory(new MemoryRange(new(0xFFF_0000_0000), 0x10000));
        var board = new HardwareBoard(tree, new SystemBus(memory));
        Assert.Null(board.PortOf(tree.Devices().First(node => !node.Has("iommus"))).Unit);
    }
}
