using System.Text.RegularExpressions;
using Aperture.Tool.Conform;
using Aperture.Tool.Conform.Vectors;

namespace Aperture.Tool.Tests.Conform;

/// <summary>A changed value in a recording is found, at its line.</summary>
public class MutationTests
{
    [Theory]
    [InlineData("omap/tlb_flush.jsonl", "r", "val")]
    [InlineData("omap/basic_pagesizes.jsonl", "expect", "pa")]
    [InlineData("omap/context_switch.jsonl", "image", "fill")]
    [InlineData("omap/dual_mmu_dra7_dsp.jsonl", "regmap", "result")]
    [InlineData("exynos/basic_pagesizes_v5.jsonl", "expect", "pa")]
    [InlineData("exynos/prot_variants_v1.jsonl", "expect", "pa")]
    [InlineData("exynos/power_management_v7vm.jsonl", "r", "val")]
    [InlineData("exynos/fault_interrupt_v3_3.jsonl", "fault", "iova")]
    public void A_changed_value_is_reported_at_its_line(string file, string kind, string member)
    {
        var lines = File.ReadAllLines(VectorFolder.Path(file));
        var index = Array.FindLastIndex(lines, line => line.StartsWith($"{{\"e\":\"{kind}\"", StringComparison.Ordinal) && line.Contains($"\"{member}\":\"0x", StringComparison.Ordinal));
        lines[index] = Regex.Replace(lines[index], $"(\"{member}\":\"0x)([0-9a-f]+)", match => $"{match.Groups[1].Value}{Convert.ToUInt64(match.Groups[2].Value, 16) ^ 0x400:x}");

        var result = ConformRunner.Run(VectorFile.Parse(file, lines));

        Assert.Equal(index + 1, result.Model.First?.Line);
    }
}
