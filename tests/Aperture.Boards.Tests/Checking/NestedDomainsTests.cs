using Aperture.Boards.Checking;

namespace Aperture.Boards.Tests.Checking;

/// <summary>Power domains in power domains: whichever is disabled, the unit waits for it.</summary>
public class NestedDomainsTests
{
    private const int Depth = 4;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_disabled_domain_is_an_error_at_any_depth(int disabled)
    {
        var soc = new TreeNode("soc").Strings("compatible", "simple-bus").Cells("#address-cells", 1).Cells("#size-cells", 1).Flag("ranges")
            .Add(
                new TreeNode("controller@3000").Strings("compatible", "test,intc").Cells("reg", 0x3000, 0x20)
                    .Flag("interrupt-controller").Cells("#interrupt-cells", 1).Cells("phandle", 120),
                new TreeNode("mmu@10000").Strings("compatible", "ti,omap4-iommu").Cells("reg", 0x1_0000, 0x100).Cells("#iommu-cells", 0)
                    .Cells("phandle", 1).Cells("interrupts", 1).Cells("power-domains", 100),
                new TreeNode("camera@20000").Strings("compatible", "test,master").Cells("reg", 0x2_0000, 0x1000).Cells("iommus", 1));
        for (uint i = 0; i < Depth; i++)
        {
            var domain = new TreeNode($"power@{i + 1}000").Strings("compatible", "test,pd").Cells("reg", (i + 1) << 12, 0x20)
                .Cells("#power-domain-cells", 0).Cells("phandle", 100 + i);
            soc.Add(i + 1 < Depth ? domain.Cells("power-domains", 101 + i) : domain);
            if (i == disabled)
                domain.Strings("status", "disabled");
        }

        var findings = BoardChecker.Check(new TreeNode("")
            .Cells("#address-cells", 1).Cells("#size-cells", 1).Cells("interrupt-parent", 120).Strings("compatible", "test,board")
            .Add(new TreeNode("memory@80000000").Strings("device_type", "memory").Cells("reg", 0x8000_0000, 0x1000_0000), soc)
            .Build());
        var finding = Assert.Single(findings, finding => finding.Severity == FindingSeverity.Error);
        Assert.Equal(
            (FindingCode.Supplier, disabled == 0 ? "/soc/mmu@10000" : $"/soc/power@{disabled}000"), (finding.Code, finding.Node));
        Assert.Contains($"/soc/power@{disabled + 1}000 is disabled", finding.Message, StringComparison.Ordinal);
    }
}
