using Aperture.Boards.Checking;
using Aperture.Datasheets.Tegra;

namespace Aperture.Boards.Tests.Checking;

/// <summary>Swgroups are those of the SoC, and each has one master.</summary>
public class TegraCheckTests
{
    public static TheoryData<string> Socs => [.. TegraSoc.All.Select(soc => soc.Name)];

    [Theory]
    [MemberData(nameof(Socs))]
    public void Exactly_the_swgroups_of_the_soc_are_known(string name)
    {
        var soc = TegraSoc.All.Single(candidate => candidate.Name == name);
        for (uint id = 0; id < 140; id++)
        {
            var findings = BoardChecker.Check(Board(soc, [id]).Build());
            if (soc.FindSwgroup(id) is not null)
            {
                Assert.Empty(findings);
                continue;
            }

            var finding = Assert.Single(findings);
            Assert.Equal((FindingCode.IdRange, FindingSeverity.Error, "/master@0"), (finding.Code, finding.Severity, finding.Node));
            Assert.Contains(
                id > 127 ? "ids 0 to 127" : $"id {id} is none of those that /mc@70019000 has: 1, 2, 3,",
                finding.Message,
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_swgroup_with_two_masters_and_twice_in_one_is_a_warning()
    {
        var shared = Assert.Single(BoardChecker.Check(Board(TegraSoc.Tegra124, [5], [6], [5]).Build()));
        Assert.Equal((FindingCode.IdDuplicate, FindingSeverity.Warning, "/master@20000"), (shared.Code, shared.Severity, shared.Node));
        var twice = Assert.Single(BoardChecker.Check(Board(TegraSoc.Tegra124, [5, 5]).Build()));
        Assert.Equal((FindingCode.IdDuplicate, FindingSeverity.Warning), (twice.Code, twice.Severity));
    }

    private static TreeNode Board(TegraSoc soc, params uint[][] masters)
    {
        var root = new TreeNode("")
            .Cells("#address-cells", 1)
            .Cells("#size-cells", 1)
            .Strings("compatible", "test,board")
            .Cells("interrupt-parent", 2);
        root.Add(
            new TreeNode("memory@80000000").Strings("device_type", "memory").Cells("reg", 0x8000_0000, 0x1000_0000),
            new TreeNode("gic@100000")
                .Strings("compatible", "test,gic")
                .Cells("reg", 0x10_0000, 0x1000)
                .Flag("interrupt-controller")
                .Cells("#interrupt-cells", 1).Cells("phandle", 2),
            new TreeNode("mc@70019000")
                .Strings("compatible", soc.Compatible)
                .Cells("reg", 0x7001_9000, 0x1000)
                .Cells("interrupts", 77)
                .Cells("#iommu-cells", 1).Cells("phandle", 1));
        for (var i = 0u; i < masters.Length; i++)
        {
            root.Add(new TreeNode($"master@{i * 0x1_0000:x}").Strings("compatible", "test,master").Cells("reg", i * 0x1_0000, 0x1000)
                .Cells("iommus", [.. masters[i].SelectMany(id => (uint[])[1, id])]));
        }

        return root;
    }
}
