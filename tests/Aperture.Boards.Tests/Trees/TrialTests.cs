using Aperture.Boards.Checking;
using Aperture.Boards.Running;
using Aperture.Core;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Tests.Trees;

/// <summary>Trees that people met elsewhere, each of which was judged or run wrongly once (tests/trees/trials). Whatever compiled them,
/// with labels or without, the outcome is the same.</summary>
public class TrialTests
{
    [DtcTheory]
    [InlineData("01-iommu-map-five-cells", "")]
    [InlineData(
        "02-iommu-map-four-cells-two-argument-unit",
        "",
        "Warning iommu-map /soc/pcie@1c00000: entry 0 of iommu-map gives one cell to /soc/iommu@15000000, whose #iommu-cells is 2: "
            + "the others are",
        "Warning iommu-map /soc/pcie@1c00000: entry 1 of iommu-map gives one cell to /soc/iommu@15000000, whose #iommu-cells is 2: "
            + "the others are")]
    [InlineData(
        "03-smmu-off-by-default",
        "4c200000.usb skipped: its IOMMU 490d0000.iommu (arm,smmu-v3) is disabled in the device tree: its DMA is not confined",
        "Warning disabled /soc/iommu@490d0000: is disabled, so /soc/usb@4c200000 are not confined: their DMA passes it untranslated;")]
    [InlineData(
        "05-mediatek-vdo-vpp-infra",
        "1c000000.ovl skipped: IOMMU 1c01f000.iommu (mediatek,mt8195-iommu-vdo) is not modelled;"
            + "14001000.rdma skipped: IOMMU 14018000.iommu (mediatek,mt8195-iommu-vpp) is not modelled")]
    [InlineData(
        "07-memory-from-loader-and-pool",
        "fe900000.dma held",
        "Warning names /soc/dma@fe900000: has no clocks, and those of /soc/iommu@fe800000 run only while a master holds them:")]
    [InlineData("08-framebuffer-left-on", "11c00000.display held;11d00000.codec held")]
    [InlineData(
        "10-unit-clock-names-misspelt",
        "ff930000.vop failed: ff930000.vop waits for ff930300.iommu, which failed: ff930300.iommu has clocks, but not those called "
            + "\"aclk\" and "
            + "\"iface\";ff940000.vop held;ff950000.vop failed: ff950000.vop waits for ff950300.iommu, which failed: ff950300.iommu "
            + "has clocks, "
            + "but not those called \"aclk\" and \"iface\"",
        "Warning names /soc/iommu@ff930300: has lock-names, which nobody reads: did you mean clock-names?",
        "Error names /soc/iommu@ff930300: lacks clocks that a Rockchip IOMMU cannot be driven without (\"aclk\", \"iface\"); did you mean "
            + "clock-names by lock-names?",
        "Warning names /soc/iommu@ff940300: has no clocks, as in older trees: it works only while somebody else keeps them on;",
        "Error names /soc/iommu@ff950300: lacks clocks that a Rockchip IOMMU cannot be driven without (\"aclk\", \"iface\"); name them in")]
    [InlineData(
        "11-unit-for-encoder-and-decoder",
        "ff350000.enc held;ff350400.dec held",
        "Warning id-duplicate /soc/dec@ff350400: shares the unit /soc/iommu@ff350800 with /soc/enc@ff350000: it serves a single "
            + "master, so")]
    [InlineData("14-dma-ranges-not-at-zero", "ff650000.dma held")]
    [InlineData(
        "15-exynos-unit-clock-names",
        "11c00000.ma failed: 11c00000.ma waits for 11e20000.sysmmu, which failed: 11e20000.sysmmu has neither a clock \"sysmmu\" nor "
            + "clocks "
            + "\"aclk\" and \"pclk\";11d00000.mb failed: 11d00000.mb waits for 11e30000.sysmmu, which failed: 11e30000.sysmmu has "
            + "neither a "
            + "clock \"sysmmu\" nor clocks \"aclk\" and \"pclk\";11f00000.mc failed: 11f00000.mc waits for 11e40000.sysmmu, which "
            + "failed: bus error: "
            + "read of 11e40000.sysmmu [0] offset 0x34 was not answered; the device is off, in reset or not there",
        "Warning names /soc/sysmmu@11e20000: has clock-name, which nobody reads: did you mean clock-names?",
        "Error names /soc/sysmmu@11e20000: lacks clocks that a Samsung SysMMU cannot be driven without (\"sysmmu\" or \"aclk\", "
            + "\"pclk\"); did "
            + "you mean clock-names by clock-name?",
        "Error names /soc/sysmmu@11e30000: lacks clocks that a Samsung SysMMU cannot be driven without (\"sysmmu\" or \"aclk\", "
            + "\"pclk\"); did "
            + "you mean \"sysmmu\" by \"sysmu\"?",
        "Warning names /soc/sysmmu@11e40000: clock-names has 1 names for 2 entries of clocks: those at the end have none; name them",
        "Error names /soc/sysmmu@11e40000: has a clock without a name, which nobody switches on: a Samsung SysMMU has \"sysmmu\", "
            + "\"aclk\", ")]
    [InlineData("30-remote-processor-regions", "55020000.ipu held")]
    [InlineData(
        "35-tables-above-4-gib",
        "fdea0400.codec failed: fdea0400.codec: no memory for a page table of 0x1000 bytes below 2^32;"
            + "fdee0000.enc failed: fdee0000.enc: no memory for a page table of 0x1000 bytes below 2^32",
        "Error memory /soc/iommu@fdea0800: its page tables lie below 2^32, where there is no RAM ([0x100000000, 0x13fffffff]): it "
            + "cannot translate;",
        "Error memory /soc/iommu@fdee0800: its page tables lie below 2^32, where there is no RAM ([0x100000000, 0x13fffffff]): it "
            + "cannot translate;")]
    [InlineData("40-noncoherent-below-coherent", "ff650000.dma held")]
    [InlineData("42-label-called-clocks", "")]
    [InlineData(
        "iommus-of-six-bytes",
        "no machine: /dev@20000000: iommus entry <0x10002> does not resolve: Unresolved",
        "Error cells /dev@20000000: iommus of 6 bytes is no whole number of cells: write it as a list of <&unit arguments>")]
    [InlineData("labels-named-like-properties", "480bc000.isp held")]
    [InlineData("local-fixups", "49000000.dsp held")]
    public void A_tree_from_elsewhere(string name, string run, params string[] findings)
    {
        Assert.NotEmpty(Dtc.All);
        foreach (var dtc in Dtc.All)
        {
            foreach (var way in dtc.Ways)
            {
                var tree = DeviceTree.Parse(dtc.Compile(Path.Combine(Dtc.Trees, "trials", name + ".dts"), way));
                var found = BoardChecker.Check(tree).Where(finding => finding.Severity != FindingSeverity.Info).ToArray();
                Assert.Equal(findings.Length, found.Length);
                Assert.All(findings.Zip(found), pair => Assert.StartsWith(pair.First, Line(pair.Second), StringComparison.Ordinal));
                Assert.Equal(run, Run(tree));
            }
        }
    }

    [DtcTheory]
    [InlineData("09-overlay")]
    [InlineData("overlay")]
    public void An_overlay_is_no_board(string name)
    {
        Assert.NotEmpty(Dtc.All);
        foreach (var dtc in Dtc.All)
        {
            var tree = DeviceTree.Parse(dtc.Compile(Path.Combine(Dtc.Trees, "trials", name + ".dts"), "-@"));
            var finding = Assert.Single(BoardChecker.Check(tree));
            Assert.Equal((FindingCode.NoBoard, FindingSeverity.Error), (finding.Code, finding.Severity));
            Assert.Contains("this is an overlay", finding.Message, StringComparison.Ordinal);
            Assert.Equal($"no machine: {finding.Message}", Run(tree));
        }
    }

    private static string Line(Finding finding) => $"{finding.Severity} {finding.Code} {finding.Node}: {finding.Message}";

    private static string Run(DeviceTree tree)
    {
        try
        {
            using var machine = Machine.Boot(tree);
            var test = new SelfTest(machine);
            return string.Join(
                ';',
                machine.Masters.Where(master => master.Node.Has("iommus")).Select(test.Run).Select(result => $"{result.Master.Name} "
                    + $"" + Outcome(result)));
        }
        catch (ApertureException e)
        {
            return $"no machine: {e.Message}";
        }
    }

    private static string Outcome(MasterResult result)
    {
        var reasons = string.Join(", ", result.Checks.Select(check => check.Result.Reason).Where(reason => reason.Length > 0).Distinct());
        return result.Master.Skipped is not null ? $"skipped: {reasons}" : result.IsFine ? "held" : $"failed: {reasons}";
    }
}
