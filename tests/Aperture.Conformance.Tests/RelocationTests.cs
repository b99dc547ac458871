using System.Globalization;
using System.Text.Json.Nodes;
using Aperture.Conformance.Vectors;

namespace Aperture.Conformance.Tests;

/// <summary>A recording with its tables elsewhere and its units and devices under other names replays as well: nothing
/// depends on what one file happens to say.</summary>
public class RelocationTests
{
    private const ulong Distance = 0x0123_4000; // how far the tables move

    private const int TegraShift = 12; // where all tables have one size, and bit 28 marks a link

    [Theory]
    [InlineData("omap/random_500.jsonl", 0)]
    [InlineData("omap/dual_mmu_dra7_dsp.jsonl", 0)]
    [InlineData("omap/context_switch.jsonl", 0)]
    [InlineData("omap/power_management.jsonl", 0)]
    [InlineData("exynos/random_500_v1.jsonl", 0)]
    [InlineData("exynos/map_over_existing_v3_3.jsonl", 0)]
    [InlineData("exynos/random_500_v5.jsonl", 4)]
    [InlineData("exynos/context_switch_v7vm.jsonl", 4)]
    [InlineData("exynos/high_physical_v7.jsonl", 4)]
    [InlineData("tegra/random_500_tegra210.jsonl", 12)]
    [InlineData("tegra/context_switch_tegra30.jsonl", 12)]
    [InlineData("tegra/map_unmap_remap_tegra30.jsonl", 12)]
    [InlineData("msm/random_500.jsonl", 0)]
    [InlineData("msm/context_switch.jsonl", 0)]
    [InlineData("msm/context_bank.jsonl", 0)]
    [InlineData("msm/two_iommus.jsonl", 0)]
    [InlineData("msm/fault_interrupt.jsonl", 0)]
    [InlineData("rockchip/mixed_sizes_v1.jsonl", 0)]
    [InlineData("rockchip/multi_bank_v1.jsonl", 0)]
    [InlineData("rockchip/fault_interrupt_v1.jsonl", 0)]
    public void Moved_tables_and_other_names_make_no_difference(string file, int shift)
    {
        var original = Replays.Run(VectorFolder.Path(file));
        var moved = Replays.Run(VectorFile.Parse(
            file,
            Move(
                File.ReadAllLines(VectorFolder.Path(file)),
                shift,
                file.StartsWith("rockchip", StringComparison.Ordinal) ? 0x1000 : 0x4000)));

        Assert.True(moved.Model.First is null, $"{moved.Model.First}");
        Assert.True(moved.Driver.First is null, $"{moved.Driver.First}");
        Assert.Equal(original.Passed, moved.Passed);
        Assert.Equal(original.Deviations, moved.Deviations);
    }

    private static IEnumerable<string> Move(string[] lines, int shift, int rootBytes)
    {
        var roots = new HashSet<ulong>();
        foreach (var text in lines)
        {
            var line = JsonNode.Parse(text)!.AsObject();
            var kind = (string)line["e"]!;
            if (kind == "meta")
                Add(line, "ramBase", Distance);
            if (kind == "alloc" && ((int)line["size"]! == rootBytes || shift == TegraShift))
                roots.Add(Hex(line["pa"]!));
            if (kind is "mem" or "image" && roots.Any(root => root <= Hex(line["pa"]!) && Hex(line["pa"]!) < root + (ulong)rootBytes))
                MoveLinks(line, shift);
            if (shift == TegraShift && kind == "w" && (string)line["off"]! == "0x20")
                Add(line, "val", Distance >> shift);
            if (kind is "alloc" or "free" or "mem" or "image" or "table" or "dma" or "poke")
                Add(line, "pa", Distance);
            if (kind is "w" or "r" or "hw" && (string)line["off"]! is "0x0" or "0x4c" or "0x14" or "0xc" or "0x800c")
            {
                var value = Hex(line["val"]!);
                if (roots.Contains(value & ~1ul)) // a Rockchip's has the form of an entry
                    Add(line, "val", Distance);
                else if (roots.Contains(value << 12))
                    Add(line, "val", Distance >> 12);
            }

            if (kind is "w" or "r" && (string)line["off"]! is "0x10" or "0x1010" && roots.Contains(Hex(line["val"]!) & 0xFFFF_C000))
                Add(line, "val", Distance); // MSM: with attributes in the low bits
            yield return line.ToJsonString().Replace("000.", "abc.", StringComparison.Ordinal);
        }
    }

    private static void MoveLinks(JsonObject line, int shift)
    {
        if (line["words"] is JsonArray words)
        {
            for (var i = 0; i < words.Count; i++)
                words[i] = MoveLink(Hex(words[i]!), shift);
        }
        else
        {
            line["fill"] = MoveLink(Hex(line["fill"]!), shift);
        }
    }

    private static string MoveLink(ulong word, int shift)
    {
        var isLink = shift == TegraShift ? (word & (1 << 28)) != 0 : (word & 3) == 1;
        return $"0x{(isLink ? word + (Distance >> shift) : word):x}";
    }

    private static void Add(JsonObject line, string member, ulong value) => line[member] = $"0x{Hex(line[member]!) + value:x}";

    private static ulong Hex(JsonNode node) =>
        ulong.Parse(node.GetValue<string>().AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
