using Aperture.Boards.Checking;
using Aperture.Boards.Tests.Checking;
using Aperture.Boards.Tests.Running;
using Aperture.Boards.Units;
using Aperture.Conformance.Drivers;

namespace Aperture.Boards.Tests.Units;

public class UnitListTests
{
    [Fact]
    public void A_kind_s_driver_serves_exactly_the_strings_of_its_bindings()
    {
        using var machine = Machine.Boot(Runs.Own("omap3-isp"));
        Assert.NotEmpty(UnitList.Default.Kinds);
        Assert.All(UnitList.Default.Kinds, kind =>
        {
            var driver = kind.CreateDriver(machine);
            Assert.Equal(kind.Bindings.Select(binding => binding.Pattern).Order(), driver.Compatible.Order());
            (driver as IDisposable)?.Dispose();
        });
    }

    [Fact]
    public void Every_string_belongs_to_one_kind_and_every_kind_can_be_replayed()
    {
        var names = UnitList.Default.Kinds.SelectMany(kind => kind.Bindings).Select(binding => binding.Pattern).ToArray();
        Assert.Equal(names.Distinct(), names);
        Assert.DoesNotContain(names, name => name.Contains('*', StringComparison.Ordinal));
        var families = UnitList.Default.Kinds.Select(kind => kind.Conformance)
            .OfType<DriverFamily>()
            .Select(family => family.Models.Driver)
            .ToArray();
        Assert.Equal(["omap", "exynos", "tegra", "msm", "rockchip"], families);
    }

    /// <summary>A pattern with two stars matched nothing.</summary>
    [Theory]
    [InlineData("mediatek,mt8188-iommu-vdo", "MediaTek M4U")]
    [InlineData("mediatek,mt8195-iommu-infra", "MediaTek M4U")]
    [InlineData("mediatek,mt8173-m4u", "MediaTek M4U")]
    [InlineData("rockchip,rk3588-iommu", "Rockchip IOMMU")]
    [InlineData("qcom,sm8250-smmu-500", "Arm SMMU")]
    public void Known_units_are_recognised(string compatible, string family) =>
        Assert.Equal(family, UnitCatalog.Bindings.First(binding => binding.Matches(compatible)).Family);

    [Fact]
    public void Every_pattern_of_the_catalogue_matches_a_string_in_which_its_stars_are_text()
    {
        Assert.NotEmpty(UnitCatalog.Bindings);
        Assert.All(UnitCatalog.Bindings, binding =>
        {
            Assert.True(binding.Matches(binding.Pattern.Replace("*", "x1", StringComparison.Ordinal)), binding.Pattern);
            Assert.False(binding.Matches("other," + binding.Pattern), binding.Pattern);
        });
    }

    /// <summary>The checker went by the first string and said "not modelled yet", the machine by the second and drove the unit.</summary>
    [Fact]
    public void Checker_and_machine_agree_on_a_unit_whose_second_string_has_a_model()
    {
        var tree = TwoNames().Build();
        Assert.DoesNotContain(BoardChecker.Check(tree), finding => finding.Message.Contains("not modelled", StringComparison.Ordinal));
        using var machine = Machine.Boot(tree);
        Assert.Single(machine.Units);
        Assert.Null(Assert.Single(machine.Masters).Skipped);
        Runs.AssertAllHeld(machine);
    }

    [Fact]
    public void A_kind_that_is_given_is_asked_before_ours()
    {
        var units = UnitList.Default.With([new ExynosUnitKind(Hardware.Exynos.SysMmuOptions.V5)]);
        using var machine = Machine.Boot(Runs.Own("exynos4412-media"), new MachineOptions { Units = [units.Kinds[0]] });
        Assert.NotEmpty(machine.Units);
        Assert.All(
            machine.Units,
            unit =>
                Assert.Equal(5u, new Datasheets.Exynos.SysMmuVersion(((Hardware.Exynos.ExynosSysMmu)unit.Model).Options.Version).Major));
    }

    private static TreeNode TwoNames() =>
        new TreeNode("").Cells("#address-cells", 1).Cells("#size-cells", 1).Strings("compatible", "test,board").Cells("interrupt-parent", 9)
        .Add(
            new TreeNode("memory@80000000").Strings("device_type", "memory").Cells("reg", 0x8000_0000, 0x1000_0000),
            new TreeNode("soc").Strings("compatible", "simple-bus").Cells("#address-cells", 1).Cells("#size-cells", 1).Flag("ranges").Add(
                new TreeNode("controller@3000")
                    .Strings("compatible", "test,intc")
                    .Cells("reg", 0x3000, 0x20)
                    .Flag("interrupt-controller")
                    .Cells("#interrupt-cells", 1).Cells("phandle", 9),
                new TreeNode("iommu@10000").Strings("compatible", "rockchip,rk3588-iommu", "rockchip,rk3568-iommu")
                    .Cells("reg", 0x10000, 0x100).Cells("interrupts", 1)
                    .Cells("#iommu-cells", 0).Cells("phandle", 1),
                new TreeNode("vop@20000")
                    .Strings("compatible", "test,vop")
                    .Cells("reg", 0x20000, 0x100)
                    .Cells("interrupts", 2)
                    .Cells("iommus", 1)));
}
