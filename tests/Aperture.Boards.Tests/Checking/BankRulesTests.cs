using Aperture.Boards.Checking;

namespace Aperture.Boards.Tests.Checking;

public class BankRulesTests
{
    private readonly TreeNode _root = new TreeNode("")
        .Cells("#address-cells", 1)
        .Cells("#size-cells", 1)
        .Strings("compatible", "test,board").Cells("interrupt-parent", 9);
    private readonly TreeNode _unit = new TreeNode("iommu@7500000").Strings("compatible", "qcom,apq8064-iommu")
        .Cells("reg", 0x750_0000, 0x10_0000)
        .Cells("#iommu-cells", 1).Cells("phandle", 1).Cells("qcom,ncb", 2).Cells("interrupts", 63, 64)
        .Cells("clocks", 8, 8).Strings("clock-names", "smmu_pclk", "iommu_clk");

    public BankRulesTests() => _root.Add(
        new TreeNode("memory@80000000").Strings("device_type", "memory").Cells("reg", 0x8000_0000, 0x1000_0000),
        new TreeNode("controller@a000")
            .Strings("compatible", "test,intc")
            .Cells("reg", 0xA000, 0x20)
            .Flag("interrupt-controller")
            .Cells("#interrupt-cells", 1).Cells("phandle", 9),
        new TreeNode("clock").Strings("compatible", "test,clock").Cells("#clock-cells", 0).Cells("phandle", 8),
        new TreeNode("soc")
            .Strings("compatible", "simple-bus")
            .Cells("#address-cells", 1)
            .Cells("#size-cells", 1)
            .Flag("ranges")
            .Add(_unit, Master(0, 0, 2), Master(1, 1)));

    [Fact]
    public void A_unit_with_a_bank_for_each_master_is_sound() => Assert.Empty(BoardChecker.Check(_root.Build()));

    [Theory]
    [InlineData(0u)]
    [InlineData(5u)]
    public void A_number_of_banks_that_no_unit_has(uint banks)
    {
        _unit.Cells("qcom,ncb", banks);
        Expect($"qcom,ncb is {banks}");
    }

    [Fact]
    public void No_number_of_banks()
    {
        _unit.Without("qcom,ncb");
        Expect("qcom,ncb, the number of context banks, is not one number");
    }

    [Fact]
    public void More_masters_than_banks()
    {
        _unit.Cells("qcom,ncb", 1);
        Expect("1 context banks for 2 masters (/soc/master@0, /soc/master@1000)");
    }

    [Fact]
    public void A_window_of_another_size()
    {
        _unit.Cells("reg", 0x750_0000, 0x1000);
        var finding = Assert.Single(BoardChecker.Check(_root.Build()));
        Assert.Equal(
            (FindingCode.Reg, "reg has 0x1000 bytes, but a Qualcomm MSM IOMMU here has 0x100000: correct the size"),
            (finding.Code, finding.Message));
    }

    [Fact]
    public void A_machine_id_of_two_masters()
    {
        _root.Add(new TreeNode("master@9000").Strings("compatible", "test,master").Cells("reg", 0x9000, 0x1000).Cells("iommus", 1, 2));
        _unit.Cells("qcom,ncb", 3);
        var finding = Assert.Single(BoardChecker.Check(_root.Build()));
        Assert.Equal((FindingCode.IdDuplicate, FindingSeverity.Warning, "/master@9000"), (finding.Code, finding.Severity, finding.Node));
        Assert.Contains("id 2 of /soc/iommu@7500000 with /soc/master@0", finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_machine_id_beyond_the_unit()
    {
        _root.Add(new TreeNode("master@9000").Strings("compatible", "test,master").Cells("reg", 0x9000, 0x1000).Cells("iommus", 1, 32));
        _unit.Cells("qcom,ncb", 3);
        var finding = Assert.Single(BoardChecker.Check(_root.Build()));
        Assert.Equal((FindingCode.IdRange, FindingSeverity.Error, "/master@9000"), (finding.Code, finding.Severity, finding.Node));
    }

    private static TreeNode Master(uint number, params uint[] machines) =>
        new TreeNode($"master@{number * 0x1000:x}").Strings("compatible", "test,master")
        .Cells("reg", number * 0x1000, 0x1000).Cells("iommus", [.. machines.SelectMany(machine => (uint[])[1, machine])]);

    private void Expect(string text)
    {
        var finding = Assert.Single(BoardChecker.Check(_root.Build()));
        Assert.Equal((FindingCode.Banks, FindingSeverity.Error, "/soc/iommu@7500000"), (finding.Code, finding.Severity, finding.Node));
        Assert.Contains(text, finding.Message, StringComparison.Ordinal);
    }
}
