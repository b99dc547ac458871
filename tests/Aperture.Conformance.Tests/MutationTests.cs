using System.Text.RegularExpressions;
using Aperture.Conformance.Vectors;

namespace Aperture.Conformance.Tests;

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
    [InlineData("tegra/basic_tegra124.jsonl", "expect", "pa")]
    [InlineData("tegra/random_mmio_tegra30.jsonl", "r", "val")]
    [InlineData("tegra/soc_tables_tegra210.jsonl", "swgroup", "asidReg")]
    [InlineData("tegra/soc_tables_tegra30.jsonl", "client", "enableReg")]
    [InlineData("msm/basic_pagesizes.jsonl", "r", "val")]
    [InlineData("msm/fault_interrupt.jsonl", "r", "val")]
    [InlineData("msm/prot_variants.jsonl", "expect", "pa")]
    [InlineData("msm/two_iommus.jsonl", "image", "fill")]
    [InlineData("rockchip/basic_pagesizes_v2.jsonl", "expect", "pa")]
    [InlineData("rockchip/prot_variants_v1.jsonl", "expect", "pa")]
    [InlineData("rockchip/multi_bank_v1.jsonl", "r", "val")]
    [InlineData("rockchip/fault_interrupt_v2.jsonl", "fault", "iova")]
    public void A_changed_value_is_reported_at_its_line(string file, string kind, string member)
    {
        var lines = File.ReadAllLines(VectorFolder.Path(file));
        var index = Array.FindLastIndex(
            lines,
            line => line.StartsWith($"{{\"e\":\"{kind}\"", StringComparison.Ordinal)
                && line.Contains($"\"{member}\":\"0x", StringComparison.Ordinal));
        lines[index] = Regex.Replace(
            lines[index],
            $"(\"{member}\":\"0x)([0-9a-f]+)",
            match => $"{match.Groups[1].Value}{Convert.ToUInt64(match.Groups[2].Value, 16) ^ 0x400:x}");

        var result = Replays.Run(VectorFile.Parse(file, lines));

        Assert.Equal(index + 1, result.Model.First?.Line);
    }

    [Theory]
    [InlineData("omap/basic_pagesizes.jsonl", "mem", "words\":[\"0x", 1)]
    [InlineData("omap/basic_pagesizes.jsonl", "api\",\"call\":\"unmap", "ret\":", 7)]
    [InlineData("omap/alignment_errors.jsonl", "api\",\"call\":\"map", "ret\":-", 7)]
    [InlineData("omap/partial_unmap.jsonl", "api\",\"call\":\"iova_to_phys", "ret\":\"0x", 0x1000)]
    [InlineData("omap/platform_reset.jsonl", "w\",\"unit\":\"55082000.mmu\",\"off\":\"0x1c", "val\":\"0x", 1)]
    [InlineData("omap/platform_reset.jsonl", "w\",\"unit\":\"55082000.mmu\",\"off\":\"0x88", "val\":\"0x", 1)]
    [InlineData("omap/fault_interrupt.jsonl", "fault", "ret\":-", 3)]
    [InlineData("omap/probe.jsonl", "api\",\"call\":\"probe", "ret\":-", 3)]
    [InlineData("exynos/basic_pagesizes_v5.jsonl", "mem", "words\":[\"0x", 0x100)]
    [InlineData("exynos/basic_pagesizes_v2.jsonl", "w\",\"unit\":\"13620000.sysmmu\",\"off\":\"0x4", "val\":\"0x", 1)]
    [InlineData("exynos/basic_pagesizes_v1.jsonl", "expect", "pa\":\"0x", 0x1000)]
    [InlineData("exynos/probe_versions.jsonl", "api\",\"call\":\"probe", "minor\":", 1)]
    [InlineData("exynos/random_500_v3_3.jsonl", "mem", "words\":[\"0x", 0x1000)]
    [InlineData("tegra/basic_tegra30.jsonl", "mem", "words\":[\"0x", 1)]
    [InlineData("tegra/prot_variants_tegra210.jsonl", "mem", "words\":[\"0x", 0x40000000)]
    [InlineData("tegra/asid_exhaustion_tegra30.jsonl", "api\",\"call\":\"attach_dev\",\"dom\":\"F", "ret\":-", 7)]
    [InlineData("tegra/device_groups_tegra124.jsonl", "api\",\"call\":\"device_group\",\"dev\":\"again", "group\":", 1)]
    [InlineData("tegra/multi_swgroup_tegra30.jsonl", "w\",\"unit\":\"mc\",\"off\":\"0x22c", "val\":\"0x", 0x40000)]
    [InlineData("tegra/soc_tables_tegra124.jsonl", "api\",\"call\":\"probe", "atomSize\":", 16)]
    [InlineData("tegra/fault_interrupt_tegra210.jsonl", "mcerr", "addr\":\"0x", 0x1000)]
    [InlineData("tegra/fault_interrupt_tegra30.jsonl", "mcerr", "client\":", 1)]
    [InlineData("msm/basic_pagesizes.jsonl", "mem", "words\":[\"0x", 0x20)]
    [InlineData("msm/basic_pagesizes.jsonl", "api\",\"call\":\"iova_to_phys", "ret\":\"0x", 0x1000)]
    [InlineData("msm/context_switch.jsonl", "w\",\"unit\":\"7500000.iommu\",\"off\":\"0x18", "val\":\"0x", 1)]
    [InlineData("msm/context_bank.jsonl", "w\",\"unit\":\"7500000.iommu\",\"off\":\"0xff01c", "val\":\"0x", 0x300)]
    [InlineData("msm/probe.jsonl", "api\",\"call\":\"probe\",\"dev\":\"7500000.iommu", "ret\":", 3)]
    [InlineData("msm/random_500.jsonl", "api\",\"call\":\"map", "ret\":", 7)]
    [InlineData("rockchip/random_400_v1.jsonl", "mem", "words\":[\"0x", 0x1000)]
    [InlineData("rockchip/basic_pagesizes_v2.jsonl", "mem", "words\":[\"0x", 0x10)]
    [InlineData("rockchip/prot_variants_v1.jsonl", "api\",\"call\":\"map", "ret\":-", 7)]
    [InlineData("rockchip/reset_failures_v1.jsonl", "api\",\"call\":\"attach_dev", "ret\":-", 3)]
    [InlineData("rockchip/multi_bank_v1.jsonl", "w\",\"unit\":\"ff930300.iommu.1\",\"off\":\"0x1c\",\"val\":\"0x3", "val\":\"0x", 1)]
    [InlineData("rockchip/map_over_existing_v1.jsonl", "api\",\"call\":\"iova_to_phys", "ret\":\"0x", 0x1000)]
    public void A_changed_value_is_reported_by_the_driver_replay(string file, string kind, string before, long change)
    {
        var lines = File.ReadAllLines(VectorFolder.Path(file));
        var matching = lines.Index().Where(line => line.Item.StartsWith(
            $"{{\"e\":\"{kind}\"",
            StringComparison.Ordinal) && line.Item.Contains(before,
            StringComparison.Ordinal)).Select(line => line.Index);
        var index = kind == "mem" ? matching.First() : matching.Last(); // the last changes are of tables that are freed at once
        Assert.True(index > 0, "the recording has such a line");
        var isHex = before.EndsWith("0x", StringComparison.Ordinal);
        lines[index] = Regex.Replace(lines[index], $"({Regex.Escape(before)})([0-9a-f]+)", match => isHex
            ? $"{match.Groups[1].Value}{Convert.ToInt64(match.Groups[2].Value, 16) ^ change:x}"
            : $"{match.Groups[1].Value}{Convert.ToInt64(match.Groups[2].Value, 10) ^ change}");

        var result = Replays.Run(VectorFile.Parse(file, lines));

        Assert.Equal(index + 1, result.Driver.First?.Line);
    }
}
