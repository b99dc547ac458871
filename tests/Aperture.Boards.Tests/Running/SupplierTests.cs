using Aperture.Boards.Tests.Checking;

namespace Aperture.Boards.Tests.Running;

/// <summary>Suppliers that are missing, disabled or wait for their consumers: who needs them is deferred by name, all others
/// work.</summary>
public class SupplierTests
{
    private readonly TreeNode _root = new TreeNode("")
        .Cells("#address-cells", 1)
        .Cells("#size-cells", 1)
        .Strings("compatible", "test,board").Cells("interrupt-parent", 120);
    private readonly TreeNode _soc = new TreeNode("soc")
        .Strings("compatible", "simple-bus")
        .Cells("#address-cells", 1)
        .Cells("#size-cells", 1).Flag("ranges");
    private readonly TreeNode _power = new TreeNode("power@1000")
        .Cells("reg", 0x1000, 0x20)
        .Cells("#power-domain-cells", 0)
        .Cells("phandle", 100);
    private readonly TreeNode _clock = new TreeNode("clock@2000").Cells("reg", 0x2000, 0x20).Cells("#clock-cells", 1).Cells("phandle", 101);
    private readonly TreeNode _controller = new TreeNode("controller@3000")
        .Cells("reg", 0x3000, 0x20)
        .Flag("interrupt-controller")
        .Cells("#interrupt-cells", 1).Cells("phandle", 120);
    private readonly TreeNode _unit = Unit("mmu@10000", 0x10000, 1);
    private readonly TreeNode _camera = Master("camera@20000", 0x20000, 1);
    private readonly TreeNode _otherUnit = Unit("mmu@30000", 0x30000, 2);
    private readonly TreeNode _display = Master("display@40000", 0x40000, 2);

    public SupplierTests()
    {
        _root.Add(new TreeNode("memory@80000000").Strings("device_type", "memory").Cells("reg", 0x8000_0000, 0x1000_0000), _soc);
        _soc.Add(_power, _clock, _controller, _unit, _camera, _otherUnit, _display);
    }

    [Fact]
    public void All_works_when_nothing_is_missing()
    {
        _camera.Cells("clocks", 101, 5).Cells("power-domains", 100);
        using var machine = Machine.Boot(_root.Build());
        Runs.AssertAllHeld(machine);
    }

    [Fact]
    public void A_master_that_powers_its_own_unit_is_a_cycle()
    {
        _camera.Cells("#power-domain-cells", 0).Cells("phandle", 103);
        _unit.Cells("power-domains", 103);
        Expect(
            "10000.mmu waits for 20000.camera, which waits for 10000.mmu: a cycle",
            "20000.camera waits for 10000.mmu, which waits for 20000.camera: a cycle");
    }

    [Fact]
    public void A_domain_inside_itself_is_a_cycle()
    {
        _power.Cells("power-domains", 100);
        _camera.Cells("power-domains", 100);
        Expect("1000.power waits for 1000.power: a cycle", "20000.camera waits for 1000.power, which waits for 1000.power: a cycle");
    }

    [Fact]
    public void A_master_may_clock_another_masters_unit_and_itself()
    {
        _camera.Cells("#clock-cells", 0).Cells("phandle", 103).Cells("clocks", 103);
        _otherUnit.Cells("clocks", 103);
        for (var seed = 0; seed < 4; seed++)
        {
            using var machine = Machine.Boot(_root.Build(), new MachineOptions { ShuffleSeed = seed });
            Runs.AssertAllHeld(machine);
            var camera = machine.Masters[0].Device!;
            Assert.Contains(camera, machine.Units[1].Device.Power.Suppliers);
            machine.Drivers.Unbind(camera);
            Assert.Null(machine.Masters[1].Device!.Bound);
            Assert.True(machine.Drivers.Bind(camera));
            Runs.AssertAllHeld(machine);
        }
    }

    [Theory]
    [InlineData("clocks")]
    [InlineData("resets")]
    [InlineData("power-domains")]
    public void A_reference_to_nothing_defers_its_device_alone(string property)
    {
        _camera.Cells(property, 0x777);
        Expect("20000.camera waits for <0x777>, which is no node of the device tree");
    }

    [Fact]
    public void A_reference_that_is_cut_off_defers_its_device_alone()
    {
        _camera.Cells("clocks", 101);
        Expect("20000.camera waits for 2000.clock, which the device tree refers to wrongly (Truncated)");
    }

    [Fact]
    public void A_domain_inside_nothing_never_comes()
    {
        _power.Cells("power-domains", 0x777);
        _camera.Cells("power-domains", 100);
        Expect(
            "1000.power waits for <0x777>, which is no node of the device tree",
            "20000.camera waits for 1000.power, which waits for <0x777>, which is no node of the device tree");
    }

    [Fact]
    public void A_master_behind_a_unit_that_is_off_was_deferred_for_ever()
    {
        _unit.Strings("status", "disabled");
        using var machine = Machine.Boot(_root.Build());
        Assert.Empty(machine.Drivers.Deferred);
        var results = Runs.Test(machine);
        Assert.Equal(Runs.Skipped, results[0].Checks.Select(check => check.Result.Outcome));
        Assert.Contains("10000.mmu", results[0].Write.Reason, StringComparison.Ordinal);
        Assert.Contains("disabled in the device tree: its DMA is not confined", results[0].Write.Reason, StringComparison.Ordinal);
        Assert.Equal(Runs.Passed, results[1].Checks.Select(check => check.Result.Outcome));
    }

    [Fact]
    public void A_disabled_clock_controller_is_said_to_be_disabled()
    {
        _clock.Strings("status", "disabled");
        _camera.Cells("clocks", 101, 5);
        Expect("20000.camera waits for 2000.clock, which is disabled in the device tree");
    }

    [Theory]
    [InlineData(0x1000u)]
    [InlineData(0x8000u)]
    [InlineData(0x9000u)]
    public void A_SysMMU_of_version_7_without_room_for_virtual_machines_has_none(uint window)
    {
        _root.Strings("compatible", "samsung,exynos850");
        _unit.Strings("compatible", "samsung,exynos-sysmmu")
            .Cells("reg", 0x10000, window)
            .Cells("clocks", 101, 5)
            .Strings("clock-names", "sysmmu");
        using var machine = Machine.Boot(_root.Build());
        Runs.AssertAllHeld(machine);
    }

    private static TreeNode Unit(string name, uint address, uint phandle) =>
        new TreeNode(name)
            .Strings("compatible", "ti,omap4-iommu")
            .Cells("reg", address, 0x100)
            .Cells("#iommu-cells", 0)
            .Cells("phandle", phandle).Cells("interrupts", phandle);

    private static TreeNode Master(string name, uint address, uint unit) =>
        new TreeNode(name).Strings("compatible", "test,master").Cells("reg", address, 0x1000).Cells("iommus", unit);

    /// <summary>Those devices wait and say why, in whatever order they came; the display works.</summary>
    private void Expect(params string[] deferred)
    {
        for (var seed = 0; seed < 4; seed++)
        {
            using var machine = Machine.Boot(_root.Build(), new MachineOptions { ShuffleSeed = seed });
            Assert.Equal(deferred, machine.Drivers.Deferred.Select(device => device.Reason).Order(StringComparer.Ordinal));
            var results = Runs.Test(machine);
            Assert.Equal(Runs.Failed, results[0].Checks.Select(check => check.Result.Outcome));
            Assert.Equal(Runs.Passed, results[1].Checks.Select(check => check.Result.Outcome));
        }
    }
}
