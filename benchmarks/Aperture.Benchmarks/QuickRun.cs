using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Aperture.Benchmarks.Core.PageTables;
using Aperture.Benchmarks.Dma;
using Aperture.Benchmarks.Drivers;
using Aperture.Benchmarks.Hardware.Translation;
using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;

namespace Aperture.Benchmarks;

/// <summary>One figure.</summary>
internal sealed record QuickResult(string Name, double Ns, double Ratio, string Yardstick, double Allocated);

/// <summary>What this machine takes for the yardsticks.</summary>
internal sealed record QuickYardsticks(
    [property: JsonPropertyName("chase4_ns")] double Chase4,
    [property: JsonPropertyName("fill8_ns")] double Fill8,
    [property: JsonPropertyName("copy_gbps")] double CopyGbps,
    [property: JsonPropertyName("cas_ns")] double Cas);

/// <summary>Everything that a quick run found out.</summary>
internal sealed record QuickReport(QuickYardsticks Yardsticks, IReadOnlyList<QuickResult> Results);

/// <summary>Measures the hot paths in under a minute, each against a yardstick of the same run.</summary>
internal static class QuickRun
{
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(0.4);
    private static readonly TimeSpan PairBudget = TimeSpan.FromSeconds(3); // two threads seldom run undisturbed both
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // a plus stays a plus in the names
    };

    /// <summary>Measures and prints.</summary>
    /// <param name="json">Whether as JSON.</param>
    /// <param name="markdown">Whether as the tables of docs/performance.md.</param>
    /// <param name="only">How the names of the wanted figures begin.</param>
    public static int Run(bool json, bool markdown, string only)
    {
        var yard = new Yardsticks();
        var chase4 = Meter.Measure(yard.Chase4, Budget).Nanoseconds;
        var fill8 = Meter.Measure(yard.Fill8, Budget).Nanoseconds;
        var copy = Yardsticks.BytesOfCopy / Meter.Measure(yard.Copy, Budget).Nanoseconds;
        var cas = Meter.Measure(yard.Cas, Budget).Nanoseconds;

        var results = new List<QuickResult>();
        void Add(string name, Action<int> loop, string yardstick, double of, double per = 1)
        {
            if (!IsWanted(name))
                return;
            var (ns, allocated) = Meter.Measure(loop, Budget);
            results.Add(new QuickResult(name, Round(ns / per), Round(ns / per / of), yardstick, Math.Round(allocated, 3)));
        }

        using (var omap = new TableWork<OmapFormat>(default))
        {
            Add("table.map4k+unmap4k", omap.Page, "chase4", chase4);
            Add("table.map256x4k+unmap256x4k", omap.Pages256, "fill8", fill8, 256);
            Add("table.map4k+unmap4k.lone", omap.LonePage, "chase4", chase4);
        }

        using (var table = new TableWork<ExynosFormat>(new ExynosFormat(isWide: true)))
            AddTable("table.exynos5", table);

        using (var table = new TableWork<ArmShortFormat>(new ArmShortFormat(new())))
            AddTable("table.v7s", table);
        using (var table = new TableWork<ArmLpaeFormat>(new ArmLpaeFormat(new() { CoherentWalk = true })))
            AddTable("table.lpae", table);
        using (var table = new TableWork<AmdV1Format>(new AmdV1Format(3)))
            AddTable("table.amd", table);

        using (var tegra = new TableWork<TegraFormat>(new(34)))
        {
            Add("table.tegra.map4k+unmap4k", tegra.Page, "chase4", chase4);
            Add("table.tegra.map256x4k+unmap256x4k", tegra.Pages256, "fill8", fill8, 256);
        }

        using (var table = new TableWork<RockchipFormat>(new RockchipFormat(isWide: true)))
            AddTable("table.rockchip", table);

        using (var domain = DomainWork.Omap())
            Add("domain.map4k+unmap4k+commit", domain.Page, "chase4", chase4);
        using (var domain = DomainWork.Exynos5())
            Add("domain.exynos5.map4k+unmap4k+commit", domain.Page, "chase4", chase4);
        using (var domain = DomainWork.Exynos4())
            Add("domain.exynos4.map4k+unmap4k+commit", domain.Page, "chase4", chase4);
        using (var domain = DomainWork.Msm())
            Add("domain.msm.map4k+unmap4k+commit", domain.Page, "chase4", chase4);
        using (var domain = DomainWork.Tegra())
            Add("domain.tegra.map4k+unmap4k+commit", domain.Page, "chase4", chase4);
        using (var domain = DomainWork.Rockchip())
            Add("domain.rockchip.map4k+unmap4k+commit", domain.Page, "chase4", chase4);
        using (var domain = DomainWork.SmmuV3())
            Add("domain.smmuv3.map4k+unmap4k+commit", domain.Page, "chase4", chase4);

        if (IsWanted("nvme.read4k") || IsWanted("nvme.read4k.strict"))
        {
            using (var nvme = NvmeWork.Deferred())
                Add("nvme.read4k", nvme.Read4K, "chase4", chase4);
            using (var nvme = NvmeWork.Strict())
                Add("nvme.read4k.strict", nvme.Read4K, "chase4", chase4);
        }

        var iova = IovaWork.Create();
        Add("iova.alloc+free", iova.FreeAndTake, "chase4", chase4);
        if (IsWanted("iova.alloc+free.p99.9"))
        {
            var tail = iova.Tail(Budget * 3);
            results.Add(new QuickResult("iova.alloc+free.p99.9", Round(tail), Round(tail / chase4), "chase4", 0));
        }

        AddPair("iova.alloc+free.2threads", IovaWork.Two);

        using (var dma = DmaWork.Strict())
        {
            Add("dma.map+unmap.strict", dma.Page, "chase4", chase4);
            Add("dma.link+unlink", dma.LinkPages, "chase4", chase4, DmaWork.LinkedPages);
            AddPair("dma.map+unmap.strict.2threads", () => new Pair(dma.Page, dma.OtherPage));
            AddTests("dma.sanitizer-off", dma);
        }

        using (var dma = DmaWork.Sanitized())
        {
            Add("dma.map+unmap.sanitized", dma.Page, "chase4", chase4);
            AddPair("dma.map+unmap.sanitized.2threads", () => new Pair(dma.Page, dma.OtherPage));
        }

        using (var dma = DmaWork.SanitizedContents())
            Add("dma.map+unmap.sanitized.contents", dma.Page, "chase4", chase4);
        using (var dma = DmaWork.Deferred())
        {
            Add("dma.map+unmap.deferred", dma.Page, "chase4", chase4);
            AddPair("dma.map+unmap.deferred.2threads", () => new Pair(dma.Page, dma.OtherPage));
        }

        using (var dma = DmaWork.Direct())
            Add("dma.map+unmap.direct", dma.Page, "chase4", chase4);
        using (var dma = DmaWork.DirectSanitized())
            Add("dma.map+unmap.direct.sanitized", dma.Page, "chase4", chase4);
        using (var dma = DmaWork.Bounced())
        {
            var plain = Meter.Measure(dma.PlainCopy, Budget).Nanoseconds;
            Add("dma.bounce64k", dma.BouncedCopy, "plain copy", plain);
        }

        using (var omap = TranslateWork.Omap())
        {
            Add("translate.hit", omap.Hit, "chase4", chase4);
            Add("translate.walk", omap.Walk, "chase4", chase4);
            AddPair("translate.hit.2threads", omap.Two);
            AddRead("master.read64k", omap);
        }

        using (var exynos = TranslateWork.Exynos())
        {
            Add("translate.exynos5.hit", exynos.Hit, "chase4", chase4);
            Add("translate.exynos5.walk", exynos.Walk, "chase4", chase4);
            AddPair("translate.exynos5.hit.2threads", exynos.Two);
            AddRead("master.exynos5.read64k", exynos);
        }

        using (var tegra = TranslateWork.Tegra())
        {
            Add("translate.tegra.hit", tegra.Hit, "chase4", chase4);
            Add("translate.tegra.walk", tegra.Walk, "chase4", chase4);
            AddPair("translate.tegra.hit.2threads", tegra.Two);
        }

        using (var msm = TranslateWork.Msm())
        {
            Add("translate.msm.hit", msm.Hit, "chase4", chase4);
            Add("translate.msm.walk", msm.Walk, "chase4", chase4);
            AddPair("translate.msm.hit.2threads", msm.Two);
        }

        using (var rockchip = TranslateWork.Rockchip())
        {
            Add("translate.rockchip.hit", rockchip.Hit, "chase4", chase4);
            Add("translate.rockchip.walk", rockchip.Walk, "chase4", chase4);
            AddPair("translate.rockchip.hit.2threads", rockchip.Two);
        }

        using (var smmu = TranslateWork.SmmuV3(isNested: false))
        {
            Add("translate.smmuv3.hit", smmu.Hit, "chase4", chase4);
            Add("translate.smmuv3.walk", smmu.Walk, "chase4", chase4);
            AddPair("translate.smmuv3.hit.2threads", smmu.Two);
        }

        using (var smmu = TranslateWork.SmmuV3(isNested: true))
            Add("translate.smmuv3.nested-walk", smmu.Walk, "chase4", chase4);

        bool IsWanted(string name) => name.StartsWith(only, StringComparison.Ordinal);

        void AddTable<TFormat>(string name, TableWork<TFormat> table)
            where TFormat : struct, IPageTableFormat
        {
            Add(name + ".map4k+unmap4k", table.Page, "chase4", chase4);
            Add(name + ".map256x4k+unmap256x4k", table.Pages256, "fill8", fill8, 256);
            Add(name + ".translate", table.Translate, "chase4", chase4);
        }

        // Two threads: how much more they get done than one alone.
        void AddPair(string name, Func<Pair> work)
        {
            if (!IsWanted(name))
                return;
            var (one, two) = work().Measure(PairBudget);
            results.Add(new QuickResult(name, Round(two), Round(one / two), "speedup", 0));
        }

        // What the tests whether somebody listens cost of the whole: a few of them are too little to be seen, so that many more are added.
        void AddTests(string name, DmaWork work)
        {
            if (!IsWanted(name))
                return;
            var without = Meter.Measure(work.Page, Budget).Nanoseconds;
            var with = Meter.Measure(work.PageWithTests, Budget).Nanoseconds;
            var tests = Math.Max(0, with - without) / DmaWork.ExtraTests * DmaWork.Tests;
            results.Add(new QuickResult(name, Round(tests), Round(tests / without), "of strict", 0));
        }

        // The ratio of a read is its speed, not its time: more is better.
        void AddRead(string name, TranslateWork work)
        {
            if (!IsWanted(name))
                return;
            var (ns, allocated) = Meter.Measure(work.Read, Budget);
            results.Add(new QuickResult(name, Round(ns), Round(Yardsticks.BytesOfCopy / ns / copy), "copy_gbps", Math.Round(allocated, 3)));
        }

        var report = new QuickReport(new QuickYardsticks(Round(chase4), Round(fill8), Round(copy), Round(cas)), results);
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(report, Json));
            return 0;
        }

        if (markdown)
        {
            PrintMarkdown(report);
            return 0;
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"chase4 {chase4:F2} ns, fill8 {fill8:F3} ns, copy {copy:F1} GB/s, cas {cas:F2} ns"));
        foreach (var result in results)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{result.Name,-40} {result.Ns,10:F2} ns  {result.Ratio,7:F2} {result.Yardstick,-9}  {result.Allocated} bytes"));
        return 0;
    }

    private static void PrintMarkdown(QuickReport report)
    {
        var yard = report.Yardsticks;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"`chase4` {yard.Chase4:F1} ns, `fill8` {yard.Fill8:F2} ns, `copy_gbps` {yard.CopyGbps:F0}, `cas_ns` {yard.Cas:F1}."));
        Console.WriteLine();
        Console.WriteLine("| name | ratio | time |");
        Console.WriteLine("|---|---|---|");
        foreach (var result in report.Results)
        {
            var isYardstick = result.Yardstick is "chase4" or "fill8" or "copy_gbps";
            var (ratio, unit) = result.Yardstick switch
            {
                "speedup" => ("F1", ""),
                "of strict" => ("F3", ""),
                _ when isYardstick => ("F2", $" `{result.Yardstick}`"),
                _ => ("F2", " " + result.Yardstick),
            };
            var (amount, format, of) = result.Ns switch
            {
                >= 1000 => (result.Ns / 1000, "F1", "µs"),
                >= 100 => (result.Ns, "F0", "ns"),
                _ => (result.Ns, "F1", "ns"),
            };
            var numbers = CultureInfo.InvariantCulture;
            Console.WriteLine($"| `{result.Name}` | {result.Ratio.ToString(ratio, numbers)}{unit} | {amount.ToString(format, numbers)} " +
                $"{of} |");
        }
    }

    private static double Round(double value) => Math.Round(value, 3);
}
