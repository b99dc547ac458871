using System.Globalization;
using System.Text;
using Aperture.Boards.Checking;
using Aperture.Boards.Running;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Tests.Trees;

public class OverlayTests(Xunit.Abstractions.ITestOutputHelper output)
{
    [DtcTheory]
    [InlineData(31)]
    public void Random_overlays_give_the_tree_that_fdtoverlay_gives(int seed)
    {
        output.WriteLine($"seed {seed}");
        Assert.NotEmpty(Dtc.All);
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            foreach (var dtc in Dtc.All)
            {
                var random = new Random(seed);
                for (var round = 0; round < 250; round++)
                    Compare(dtc, random, folder.FullName, round);
            }
        }
        finally
        {
            folder.Delete(true);
        }
    }

    [DtcTheory]
    [InlineData("overlay")]
    public void A_finding_is_told_in_the_overlays_own_node(string name)
    {
        var dtc = Dtc.All[0];
        var board = DeviceTree.Parse(dtc.Compile(Path.Combine(Checking.BoardFiles.Own, "omap3-isp.dts"), "-@"));
        var overlay = DeviceTree.Parse(dtc.Compile(Path.Combine(Dtc.Trees, "trials", name + ".dts"), "-@"));
        var tree = OverlaidTree.Apply(board, ("dsp.dtbo", overlay));
        Assert.DoesNotContain(BoardChecker.Check(tree), finding => finding.Severity != FindingSeverity.Info);
        using var machine = Machine.Boot(tree.Tree);
        var test = new SelfTest(machine);
        Assert.Equal(["480bc000.isp True", "49000000.dsp True"], machine.Masters.Select(master => $"{master.Name} "
            + $"{test.Run(master).IsFine}"));

        var source = Path.GetTempFileName();
        try
        {
            File.WriteAllText(
                source,
                """
                /dts-v1/;
                /plugin/;
                &{/ocp@68000000} { dsp@49000000 { compatible = "ti,omap3-c64"; reg = <0x49000000 0x1000>; iommus = <&mmu_isp 7>; }; };
                &mmu_isp { status = "disabled"; };
                """);
            var broken = OverlaidTree.Apply(board, ("broken.dtbo", DeviceTree.Parse(dtc.Compile(source, "-@"))));
            var findings = BoardChecker.Check(broken).Where(finding => finding.Severity != FindingSeverity.Info).ToArray();
            Assert.Contains(findings, finding => finding is
            {
                Code: FindingCode.Disabled, Overlay: "broken.dtbo", Node: "/fragment@1/__overlay__", Severity: FindingSeverity.Warning,
            });
            Assert.Contains(findings, finding => finding is
            {
                Overlay: "broken.dtbo", Node: "/fragment@0/__overlay__/dsp@49000000", Severity: FindingSeverity.Error,
            });
        }
        finally
        {
            File.Delete(source);
        }
    }

    [DtcTheory]
    [InlineData("&nowhere { a; };", "refers to label nowhere, which the tree has not")]
    [InlineData("&{/nowhere} { a; };", "is for /nowhere, which the tree has not")]
    public void An_overlay_that_does_not_fit_says_why(string fragment, string why)
    {
        var dtc = Dtc.All[0];
        var board = DeviceTree.Parse(dtc.Compile(Path.Combine(Checking.BoardFiles.Own, "omap3-isp.dts"), "-@"));
        var source = Path.GetTempFileName();
        try
        {
            File.WriteAllText(source, $"/dts-v1/;\n/plugin/;\n{fragment}\n");
            var overlay = DeviceTree.Parse(dtc.Compile(source, "-@"));
            var e = Assert.Throws<DeviceTreeException>(() => OverlaidTree.Apply(board, ("a.dtbo", overlay)));
            Assert.StartsWith("a.dtbo: ", e.Message, StringComparison.Ordinal);
            Assert.Contains(why, e.Message, StringComparison.Ordinal);
            var plain = DeviceTree.Parse(dtc.Compile(Path.Combine(Checking.BoardFiles.Own, "omap3-isp.dts")));
            if (fragment.StartsWith("&nowhere", StringComparison.Ordinal))
                Assert.Contains(
                    "compile it with dtc -@",
                    Assert.Throws<DeviceTreeException>(() => OverlaidTree.Apply(plain, ("a.dtbo", overlay))).Message,
                    StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(source);
        }
    }

    [Fact]
    public void A_label_list_with_line_feeds_was_told_in_two_lines()
    {
        var board = new DeviceTreeWriter().BeginNode("").Strings("compatible", "test,board");
        board.BeginNode("bus").Cells("phandle", 1).EndNode().BeginNode("__symbols__").Strings("bus", "/bus").EndNode().EndNode();
        var overlay = new DeviceTreeWriter().BeginNode("");
        overlay.BeginNode("fragment@0").Cells("target", uint.MaxValue).BeginNode("__overlay__").EndNode().EndNode();
        overlay.BeginNode("__fixups__").Strings("bus", "/fragment@0\n\u001b[31m").EndNode().EndNode();
        var e = Assert.Throws<DeviceTreeException>(
            () => OverlaidTree.Apply(DeviceTree.Parse(board.ToArray()), ("a.dtbo", DeviceTree.Parse(overlay.ToArray()))));
        Assert.Contains("'/fragment@0\uFFFD\uFFFD[31m' for label bus", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_overlay_is_refused()
    {
        var board = DeviceTree.Parse(File.ReadAllBytes(Path.Combine(Checking.BoardFiles.Own, "omap3-isp.dtb")));
        Assert.Contains(
            "x.dtb is no overlay",
            Assert.Throws<DeviceTreeException>(() => OverlaidTree.Apply(board, ("x.dtb", board))).Message,
            StringComparison.Ordinal);
    }

    // A random board and four random overlays, each of which may use what the ones before brought.
    private static void Compare(Dtc dtc, Random random, string folder, int round)
    {
        var labels = new List<string>();
        var source = Path.Combine(folder, "board.dts");
        File.WriteAllText(source, $"/dts-v1/;\n/ {{\n{Nodes(random, labels, "b", 0, false)}}};\n");
        var board = Path.Combine(folder, "board.dtb");
        File.WriteAllBytes(board, dtc.Compile(source, "-@"));
        var overlays = new List<string>();
        for (var i = 0; i < 4; i++)
        {
            var text = new StringBuilder("/dts-v1/;\n/plugin/;\n/ { };\n");
            var own = new List<string>();
            for (var n = random.Next(1, 4); n > 0; n--)
            {
                var target = labels.Count > 0 && random.Next(4) > 0 ? $"&{labels[random.Next(labels.Count)]}" : "&{/}";
                // A label of a node that the tree has gives it a second phandle, which older tools overwrite the first with.
                var label = dtc.Version >= new Version(1, 7, 1) && target != "&{/}" && random.Next(4) == 0 ? $"o{i}t{n}" : "";
                var content = Nodes(random, own, $"o{i}x{n}", 1, true, labels);
                text.Append(
                    label.Length == 0
                        ? $"{target} {{\n{content}}};\n"
                        : $"/ {{ frag{n} {{ target = <{target}>; {label}: __overlay__ {{\n{content}}}; }}; }};\n");
                if (label.Length > 0 && random.Next(2) == 0)
                    text.Append(CultureInfo.InvariantCulture, $"&{{/}} {{ ref{n} = <&o{i}t{n} 7>; }};\n");
            }

            labels.AddRange(own);
            var file = Path.Combine(folder, $"o{i}.dts");
            File.WriteAllText(file, text.ToString());
            var blob = Path.Combine(folder, $"o{i}.dtbo");
            File.WriteAllBytes(blob, dtc.Compile(file, "-@"));
            overlays.Add(blob);
        }

        var result = Path.Combine(folder, "result.dtb");
        var tree = DeviceTree.Parse(File.ReadAllBytes(board));
        var pieces = overlays.Select(overlay => (overlay, DeviceTree.Parse(File.ReadAllBytes(overlay))));
        Assert.True(dtc.TryOverlay(board, overlays, result), $"{dtc}, round {round}: fdtoverlay refuses");
        var expected = Lines(DeviceTree.Parse(File.ReadAllBytes(result)));
        Assert.Equal(expected, Lines(OverlaidTree.Apply(tree, pieces).Tree));
    }

    private static string Nodes(Random random, List<string> labels, string prefix, int depth, bool isOverlay, List<string>? others = null)
    {
        var text = new StringBuilder();
        for (var p = random.Next(4); p > 0; p--)
        {
            var known = others is { Count: > 0 } && random.Next(2) == 0 ? others : labels;
            var reference = known.Count > 0 ? $"<{random.Next(9)} &{known[random.Next(known.Count)]} 1>" : "\"text\", \"more\"";
            text.Append(CultureInfo.InvariantCulture, $"p{p} = {(random.Next(3) == 0 ? "[01 02 03]" : reference)};\n");
        }

        for (var c = random.Next(depth < 3 ? 4 : 1); c > 0; c--)
        {
            // Overlays meet nodes of the board, with their addresses and without.
            var name = random.Next(4) switch { 0 => $"n{c}@{c}", 1 => $"m{c}", _ => $"{prefix}n{c}@{c}" };
            var isNew = !isOverlay || name.StartsWith(prefix, StringComparison.Ordinal);
            var label = random.Next(2) == 0 && isNew ? $"{prefix}l{depth}{c}" : null;
            if (label is not null && !labels.Contains(label))
                labels.Add(label);
            else
                label = null;
            text.Append(CultureInfo.InvariantCulture, $"{(label is null ? "" : label + ": ")}{name} {{\n");
            text.Append(Nodes(random, labels, prefix + c, depth + 1, isOverlay, others)).Append("};\n");
        }

        return text.ToString();
    }

    // Every property of every node, in an order of their own: tools put new ones where they like.
    private static string[] Lines(DeviceTree tree) =>
    [
        .. tree.Nodes()
            .SelectMany(node => node.Properties
                .Select(property => $"{node.Path}:{property.Name}={Convert.ToHexString(property.Value.Span)}").Append(node.Path))
            .Order(StringComparer.Ordinal),
    ];
}
