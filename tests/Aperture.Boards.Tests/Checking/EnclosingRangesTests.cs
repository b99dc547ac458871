using Aperture.Boards.Checking;

namespace Aperture.Boards.Tests.Checking;

/// <summary>Ranges that lie inside of another one: before, behind, first, second and third in it. Looking at the neighbour alone finds
/// the first of them only.</summary>
public class EnclosingRangesTests
{
    private const string Unit = "/soc/smmu@30000";

    [Fact]
    public void Each_block_of_registers_inside_of_a_unit_is_told_of()
    {
        var findings = CheckRegisters((0x2_F000, 0x1000), (0x3_1000, 0x100), (0x3_8000, 0x1000), (0x3_FF00, 0x100), (0x4_0000, 0x1000));
        Assert.Equal(["/soc/m1@31000", "/soc/m2@38000", "/soc/m3@3ff00"], Overlaps(findings, FindingCode.Reg, Unit));
    }

    [Fact]
    public void A_unit_inside_of_another_and_a_block_that_reaches_out_are_told_of()
    {
        var findings = CheckRegisters((0x2_F000, 0x2000), (0x3_1000, 0x100), (0x3_F000, 0x2000), (0x4_0800, 0x100));
        Assert.Equal([Unit], Overlaps(findings, FindingCode.Reg, "/soc/m0@2f000"));
        Assert.Equal(["/soc/m1@31000", "/soc/m2@3f000"], Overlaps(findings, FindingCode.Reg, Unit));
        Assert.Empty(Overlaps(findings, FindingCode.Reg, "/soc/m2@3f000")); // two masters: not the checker's business
    }

    [Fact]
    public void Each_reserved_region_inside_of_another_is_told_of()
    {
        var reserved = new TreeNode("reserved-memory").Cells("#address-cells", 1).Cells("#size-cells", 1).Flag("ranges");
        foreach (var (start, size) in new (uint, uint)[]
        {
            (0x8100_0000, 0x10_0000), (0x8101_0000, 0x1000), (0x8102_0000, 0x1000), (0x810F_F000, 0x1000), (0x8110_0000, 0x1000),
        })
        {
            reserved.Add(new TreeNode($"r@{start:x}").Cells("reg", start, size));
        }

        var findings = Check(reserved);
        Assert.Equal(
            ["/reserved-memory/r@81010000", "/reserved-memory/r@81020000", "/reserved-memory/r@810ff000"],
            Overlaps(findings, FindingCode.Reserved, "/reserved-memory/r@81000000"));
    }

    private static IReadOnlyList<Finding> CheckRegisters(params (uint Start, uint Size)[] masters)
    {
        var soc = new TreeNode("soc").Strings("compatible", "simple-bus").Cells("#address-cells", 1).Cells("#size-cells", 1).Flag("ranges");
        soc.Add(new TreeNode("smmu@30000").Strings("compatible", "arm,mmu-500").Cells("reg", 0x3_0000, 0x1_0000)
            .Cells("#iommu-cells", 1).Cells("phandle", 1));
        foreach (var ((start, size), i) in masters.Select((master, i) => (master, i)))
            soc.Add(new TreeNode($"m{i}@{start:x}").Strings("compatible", "test,master").Cells("reg", start, size)
                .Cells("iommus", 1, (uint)i));
        return Check(soc);
    }

    private static IReadOnlyList<Finding> Check(TreeNode below) => BoardChecker.Check(new TreeNode("")
        .Cells("#address-cells", 1)
        .Cells("#size-cells", 1)
        .Strings("compatible", "test,board")
        .Add(new TreeNode("memory@80000000").Strings("device_type", "memory").Cells("reg", 0x8000_0000, 0x1000_0000), below)
        .Build());

    private static IEnumerable<string> Overlaps(IReadOnlyList<Finding> findings, string code, string with) => findings
        .Where(finding => finding.Code == code && finding.Severity != FindingSeverity.Info
            && finding.Message.Contains($"overlaps [", StringComparison.Ordinal)
            && finding.Message.Contains($"of {with}:", StringComparison.Ordinal))
        .Select(finding => finding.Node);
}
