using System.Text.Json;
using Aperture.DeviceTrees;

namespace Aperture.Tool.Tests.Run;

/// <summary>Boards that cannot work, or not wholly: an exit code, one line that names the thing, and never a crash.</summary>
public class BrokenBoardTests
{
    private const string Board = "exynos4412-media";
    private const string Master = "11800000.fimc";
    private const string Unit = "11a20000.sysmmu";
    private const string Clock = "10030000.clock-controller";
    private const string Domain = "10023c00.power-domain";

    [Fact]
    public void An_enabled_master_behind_a_disabled_unit_waited_for_ever()
    {
        var (code, root, error) = Json(Of(Board).Disable(Unit));
        Assert.Equal((0, ""), (code, error));
        Assert.Empty(root.GetProperty("deferred").EnumerateArray());
        Assert.Equal("skipped", Test(root, Master, "write"));
        Assert.Contains(
            $"its IOMMU {Unit} (samsung,exynos-sysmmu) is disabled in the device tree: its DMA is not confined",
            Test(root, Master, "reason"),
            StringComparison.Ordinal);
        Assert.Equal("ok", Test(root, "11810000.fimc", "write"));
    }

    [Fact]
    public void A_disabled_clock_controller_is_named_as_the_root_of_it_all()
    {
        var (code, root, error) = Json(Of(Board).Disable(Clock));
        Assert.Equal(2, code);
        Assert.Contains("never became ready", OneLine(error), StringComparison.Ordinal);
        Assert.Contains(Clock, error, StringComparison.Ordinal);
        Assert.All(root.GetProperty("deferred").EnumerateArray(), deferred =>
            Assert.Contains(Clock, deferred.GetProperty("reason").GetString(), StringComparison.Ordinal));
    }

    [Fact]
    public void A_domain_inside_a_disabled_domain_never_comes()
    {
        var board = Of(Board);
        var (code, root, error) =
            Json(board.Cells(Domain, "power-domains", board.Find("10023c20.power-domain").Phandle!.Value).Disable("10023c20.power-domain"));
        Assert.Equal(2, code);
        Assert.Contains("10023c20.power-domain", OneLine(error), StringComparison.Ordinal);
        Assert.Contains("10023c20.power-domain", Test(root, Master, "reason"), StringComparison.Ordinal);
    }

    [Fact]
    public void Domains_that_feed_each_other_are_a_cycle()
    {
        var board = Of(Board);
        var (first, second) = (board.Find(Domain).Phandle!.Value, board.Find("10023c20.power-domain").Phandle!.Value);
        var (code, root, error) = Json(board.Cells(Domain, "power-domains", second).Cells("10023c20.power-domain", "power-domains", first));
        Assert.Equal(2, code);
        Assert.Contains("a cycle", OneLine(error), StringComparison.Ordinal);
        Assert.Equal("ok", Test(root, "13400000.codec", "write"));

        board = Of(Board);
        (code, _, error) = Json(board.Cells(Domain, "power-domains", board.Find(Domain).Phandle!.Value));
        Assert.Equal(2, code);
        Assert.Contains(Domain, OneLine(error), StringComparison.Ordinal);
    }

    [Fact]
    public void A_deep_tower_of_domains_is_refused()
    {
        var writer = new DeviceTreeWriter();
        writer.BeginNode("").Strings("compatible", "test").Cells("#address-cells", 1).Cells("#size-cells", 1);
        const uint domains = 50_000;
        for (uint i = 1; i <= domains; i++)
        {
            writer.BeginNode($"domain{i}").Cells("phandle", i).Cells("#power-domain-cells", 0);
            if (i > 1)
                writer.Cells("power-domains", i - 1);
            writer.EndNode();
        }

        writer.BeginNode("mmu@1000").Strings("compatible", "ti,omap2-iommu").Cells("reg", 0x1000, 0x100).Cells("power-domains", domains)
            .Cells("#iommu-cells", 0).EndNode();
        writer.EndNode();
        AssertRefused(writer.ToArray(), "nested more than");
    }

    [Fact]
    public void A_device_may_provide_its_own_clock()
    {
        var board = Of(Board);
        var phandle = board.Find("11a30000.sysmmu").Phandle!.Value;
        board.Cells("11a30000.sysmmu", "#clock-cells", 0).Cells(Unit, "clocks", phandle, phandle);
        var (code, root, _) = Json(board);
        Assert.Equal(0, code);
        Assert.Equal("ok", Test(root, Master, "write"));
    }

    [Theory]
    [InlineData("iommus entry <0x3039>", 12345u)]
    [InlineData("iommus entry <0x0>", 0u)]
    public void A_reference_to_no_unit_is_refused(string message, uint phandle) =>
        AssertRefused(Of(Board).Cells(Master, "iommus", phandle), message, "/fimc@0");

    [Fact]
    public void What_a_unit_lacks_is_named()
    {
        AssertRefused(Of(Board).Without(Unit, "reg"), "an IOMMU needs a 'reg'", "sysmmu@11a20000");
        AssertRefused(Of(Board).Cells(Unit, "reg", 0x11a20000, 0x10), "sysmmu@11a20000");
        AssertRefused(Of(Board).Cells(Unit, "reg", 0x11a20000, 0x1000_0000), "sysmmu@11a20000");
        AssertRefused(Of("omap3-isp").Cells("480bd400.mmu", "reg", 0x480bd400, 0x81), "mmu@480bd400");
        AssertRefused(Of("omap3-isp").Cells("480bd400.mmu", "ti,#tlb-entries", 0), "mmu@480bd400");
        AssertRefused(Of(Board).Cells(Unit, "reg", 0x11a30000, 0x1000), "overlap registers", "sysmmu@11a30000");
        AssertRefused(Of(Board).Cells(Unit, "reg", 0x40000000, 0x1000), "overlap RAM", "sysmmu@11a20000");
        AssertRefused(Of(Board).Cells(Unit, "clocks", 12345, 1), Unit, "<0x3039>, which is no node of the device tree");
        AssertRefused(Of("dra7-dsp")
            .Cells("40d01000.mmu", "ti,syscon-mmuconfig", Of("dra7-dsp").Find("40d00000.dsp_system").Phandle!.Value, 2), "mmu@",
            "ti,syscon-mmuconfig");
    }

    [Fact]
    public void A_unit_without_interrupt_never_becomes_ready()
    {
        var (code, _, error) = Json(Of(Board).Without(Unit, "interrupts"));
        Assert.Equal(2, code);
        Assert.Contains($"{Unit} never became ready: {Unit} has no interrupt", OneLine(error), StringComparison.Ordinal);
    }

    [Fact]
    public void Memory_that_cannot_be_is_refused()
    {
        AssertRefused(Of(Board).Cells("/", "#size-cells", 2).Cells("/memory@40000000", "reg", 0x40000000, 0x80000000, 0),
            "one machine may have");
    }

    [Fact]
    public void Blocks_of_memory_that_overlap_were_refused() =>
        Assert.Equal(0, Json(Of(Board).Cells("/memory@40000000", "reg", 0x40000000, 0x20000000, 0x50000000, 0x20000000)).Code);

    [Fact]
    public void Two_enormous_regions_do_not_add_up_to_none()
    {
        var writer = new DeviceTreeWriter();
        writer.BeginNode("").Strings("compatible", "test").Cells("#address-cells", 2).Cells("#size-cells", 2);
        writer.BeginNode("memory@0").Strings("device_type", "memory").Cells("reg", 0, 0, 0x80000000, 0, 0x80000000, 0, 0x80000000, 0)
            .EndNode();
        writer.EndNode();
        AssertRefused(writer.ToArray(), "one machine may have");
    }

    [Fact]
    public void A_board_without_memory_gets_some()
    {
        Assert.Equal(0, Json(Of(Board).Remove("/memory@40000000")).Code);
        Assert.Equal(0, Json(Of(Board).Cells("/memory@40000000", "reg", 0x40000000, 0)).Code);
    }

    [Theory]
    [InlineData(0x1000u)]
    [InlineData(0x8000u)]
    [InlineData(0x20000u)]
    [InlineData(0x40000u)]
    public void Exhausted_memory_is_told(uint bytes)
    {
        var (code, _, error) = Json(Of("omap3-isp").Cells("/memory@80000000", "reg", 0x80000000, bytes));
        Assert.Equal(2, code);
        Assert.Contains("memory", OneLine(error), StringComparison.Ordinal);
    }

    [Fact]
    public void Strange_reservations_are_refused_or_harmless()
    {
        // Partly outside of RAM, twice the same place, all of RAM.
        var first = Of(Board).Find("/reserved-memory").Children[0].Path;
        Assert.Equal(0, Json(Of(Board).Cells(first, "reg", 0x7fff0000, 0x20000)).Code);
        Assert.Equal(0, Json(Of(Board).Cells(first, "reg", 0x10000000, 0x1000)).Code);
        Assert.Equal(0, Json(Of(Board).Cells(first, "reg", 0xffff0000, 0x20000)).Code);
        AssertRefused(Of(Board).Cells(first, "reg", 0x40000000, 0x40000000), "never became ready", "memory");
    }

    [Fact]
    public void Masters_that_share_a_unit_for_one_share_its_address_space()
    {
        var board = Of(Board);

        // The unit needs the clock of the master beside it, so the other one has that clock here.
        var clocks = board.Find(Master).Property("clocks")!;
        board.Cells("11810000.fimc", "clocks", [.. Enumerable.Range(0, clocks.CellCount).Select(clocks.Cell)]);
        var (code, root, error) = Json(board.Cells("11810000.fimc", "iommus", board.Find(Unit).Phandle!.Value));
        Assert.True(code == 0, error + root);
        var masters = root.GetProperty("masters").EnumerateArray()
            .Where(master => master.GetProperty("name").GetString() is Master or "11810000.fimc").ToArray();
        Assert.Equal(2, masters.Length);
        Assert.Equal(masters[0].GetProperty("group").GetInt32(), masters[1].GetProperty("group").GetInt32());
        Assert.All(masters.Zip(masters.Reverse()), pair => Assert.Contains(
            pair.Second.GetProperty("name").GetString(),
            pair.First.GetProperty("sharedWith").EnumerateArray().Select(name => name.GetString())));
    }

    [Fact]
    public void A_disabled_master_is_skipped_and_says_what_it_is()
    {
        var (code, root, _) = Json(Of(Board).Disable(Master));
        Assert.Equal(0, code);
        Assert.Equal("skipped", Test(root, Master, "foreign"));
        Assert.Contains("samsung,exynos4212-fimc", Test(root, Master, "reason"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_master_behind_an_unknown_unit_is_skipped_and_says_which()
    {
        var (code, root, _) = Json(Of(Board).Strings(Unit, "compatible", "test,unheard-of-mmu"));
        Assert.Equal(0, code);
        Assert.Contains("test,unheard-of-mmu", Test(root, Master, "reason"), StringComparison.Ordinal);
    }

    [Fact]
    public void An_unit_behind_a_unit_and_a_master_without_a_kind_are_skipped()
    {
        var board = Of(Board);
        board.Cells("11a30000.sysmmu", "iommus", board.Find(Unit).Phandle!.Value).Without("11820000.fimc", "compatible");
        var (code, root, error) = Json(board);
        Assert.Equal((0, ""), (code, error));
        Assert.Equal("skipped", Test(root, "11a30000.sysmmu", "write"));
        Assert.Equal("skipped", Test(root, "11820000.fimc", "write"));
        Assert.Equal("ok", Test(root, "11810000.fimc", "write"));
    }

    [Fact]
    public void Device_addresses_that_the_tree_reserves_are_shown()
    {
        const string Codec = "13400000.codec";
        var board = Of(Board);
        var phandle = board.Find(Codec).Phandle ?? 0x7777;
        board.Cells(Codec, "phandle", phandle)
            .Cells("/reserved-memory/region-mfc-left", "iommu-addresses", phandle, 0xFFC0_0000, 0x40_0000);
        var (code, root, error) = Json(board);
        Assert.Equal((0, ""), (code, error));
        var masters = root.GetProperty("masters").EnumerateArray().Where(master => master.TryGetProperty("reserved", out _)).ToArray();
        Assert.Equal(Codec, Assert.Single(masters).GetProperty("name").GetString());
        var kept = Assert.Single(masters[0].GetProperty("reserved").EnumerateArray());
        Assert.Equal(
            ("0xffc00000", "0xffffffff", "Reserved"),
            (kept.GetProperty("first").GetString(), kept.GetProperty("last").GetString(), kept.GetProperty("kind").GetString()));
        using var file = new TemporaryFile(board.Blob());
        Assert.Contains(
            $"{Codec}: device addresses 0xffc00000 to 0xffffffff are kept (reserved)", Tool.Run(file.Path).Output,
                StringComparison.Ordinal);
    }

    private static BrokenBoard Of(string board) => new(BoardFile.Read(board));

    private static string Test(JsonElement root, string master, string check) =>
        root.GetProperty("masters").EnumerateArray().Single(each => each.GetProperty("name").GetString() == master).GetProperty("selfTest")
            .GetProperty(check).GetString()!;

    private static string OneLine(string text) => Assert.Single(text.TrimEnd().Split('\n'));

    private static (int Code, JsonElement Root, string Error) Json(BrokenBoard board)
    {
        using var file = new TemporaryFile(board.Blob());
        var (code, output, error) = Tool.Run(file.Path, json: true);
        Assert.False(output.Length == 0, error);
        return (code, JsonDocument.Parse(output).RootElement, error);
    }

    private static void AssertRefused(BrokenBoard board, params string[] names) => AssertRefused(board.Blob(), names);

    private static void AssertRefused(byte[] blob, params string[] names)
    {
        using var file = new TemporaryFile(blob);
        var (code, _, error) = Tool.Run(file.Path, json: true);
        Assert.Equal(2, code);
        Assert.All(names, name => Assert.Contains(name, OneLine(error), StringComparison.Ordinal));
    }
}
