using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Aperture.Tool.Tests.Run;

/// <summary>The trace is what tools for Linux trace events read: the texts of Linux 6.12's iommu and dma events.</summary>
public partial class TraceTests
{
    public static TheoryData<string> Boards => RunCommandTests.Boards;

    [Theory]
    [MemberData(nameof(Boards))]
    public void Every_line_has_the_form_of_its_event(string board)
    {
        using var trace = new TemporaryFile();
        Assert.Equal(0, Tool.Run(board, trace: trace.Path).Code);
        var last = 0.0;
        var events = new HashSet<string>();
        foreach (var line in File.ReadAllText(trace.Path).TrimEnd('\n').Split('\n').SkipWhile(line => line.StartsWith('#')))
        {
            var match = Line().Match(line);
            Assert.True(match.Success, line);
            var time = double.Parse(match.Groups["time"].Value, System.Globalization.CultureInfo.InvariantCulture);
            Assert.True(time >= last, line);
            last = time;
            var name = match.Groups["event"].Value;
            Assert.True(s_texts.TryGetValue(name, out var text), line);
            Assert.Matches(text, match.Groups["text"].Value);
            events.Add(name);
        }

        Assert.Superset(new HashSet<string> { "add_device_to_group", "attach_device_to_domain", "map", "unmap", "io_page_fault",
            "dma_map_page", "dma_unmap_page", "dma_map_sg", "dma_unmap_sg", "dma_alloc", "dma_free" }, events);
    }

    [TraceCmdTheory]
    [InlineData("6.1", false)]
    [InlineData("6.12", true)]
    [InlineData("7.2", true)]
    public void Trace_cmd_opens_a_trace_dat(string kernel, bool hasDma)
    {
        using var file = new TemporaryFile();
        var path = file.Path + ".dat";
        try
        {
            var (code, _, error) = Tool.Start("run", "dra7-dsp", "--trace", path, "--trace-kernel", kernel);
            Assert.Equal((0, ""), (code, error));
            using var text = new TemporaryFile();
            Assert.Equal(0, Tool.Start("run", "dra7-dsp", "--trace", text.Path, "--trace-kernel", kernel).Code);
            var start = new ProcessStartInfo("trace-cmd", ["report", "-i", path]) { RedirectStandardOutput = true };
            using var process = Process.Start(start)!;
            var printed = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.Equal(0, process.ExitCode);
            var found = Events(printed);
            Assert.Equal(Events(File.ReadAllText(text.Path)), found);
            Assert.Contains(found, line => line.StartsWith("map: IOMMU: iova=0x", StringComparison.Ordinal));
            Assert.Equal(hasDma, found.Any(line => line.StartsWith("dma_map_", StringComparison.Ordinal)));
            Assert.Equal(kernel == "7.2", found.Any(line => line.StartsWith("dma_map_phys: ", StringComparison.Ordinal)));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("board.dat", 0)]
    [InlineData("board.DAT", 0)]
    [InlineData("board.dat.txt", 0x23)]
    public void A_trace_dat_is_asked_for_by_its_name(string name, int first)
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            var path = Path.Combine(folder.FullName, name);
            Assert.Equal(0, Tool.Run("dra7-dsp", trace: path).Code);
            var bytes = File.ReadAllBytes(path);
            if (first != 0)
            {
                Assert.Equal(first, bytes[0]);
                return;
            }

            Assert.Equal([0x17, 0x08, 0x44, .. "tracing6\0"u8], bytes[..12]);
            Assert.True(bytes.Length > 8192 && bytes.Length % 4096 == 0, $"{bytes.Length}");
        }
        finally
        {
            folder.Delete(true);
        }
    }

    /// <summary>Names and texts, lists aside: trace-cmd 3.1 prints them otherwise than a kernel.</summary>
    private static string[] Events(string text) =>
        [.. text.Split('\n').Select(line => Event().Match(line)).Where(match => match.Success)
            .Select(match => List().Replace($"{match.Groups[1]}: {match.Groups[2]}", ""))];

    private sealed class TraceCmdTheoryAttribute : TheoryAttribute
    {
        public TraceCmdTheoryAttribute() => Skip = Environment.GetEnvironmentVariable("PATH")?.Split(':')
            .Any(folder => File.Exists(Path.Combine(folder, "trace-cmd"))) == true ? null : "needs trace-cmd (package trace-cmd)";
    }

    private const string Direction = "dir=(BIDIRECTIONAL|TO_DEVICE|FROM_DEVICE|NONE)";
    private const string Attributes = "attrs=([A-Z_|]*)";
    private const string Array = @"\{(0x[0-9a-f]+(,0x[0-9a-f]+)*)?\}";

    private static readonly Dictionary<string, Regex> s_texts = new()
    {
        ["add_device_to_group"] = new(@"^IOMMU: groupID=\d+ device=\S+$"),
        ["remove_device_from_group"] = new(@"^IOMMU: groupID=\d+ device=\S+$"),
        ["attach_device_to_domain"] = new(@"^IOMMU: device=\S+$"),
        ["map"] = new(@"^IOMMU: iova=0x[0-9a-f]{16} - 0x[0-9a-f]{16} paddr=0x[0-9a-f]{16} size=\d+$"),
        ["unmap"] = new(@"^IOMMU: iova=0x[0-9a-f]{16} - 0x[0-9a-f]{16} size=\d+ unmapped_size=\d+$"),
        ["io_page_fault"] = new(@"^IOMMU:\S+ \S+ iova=0x[0-9a-f]{16} flags=0x[0-9a-f]{4}$"),
        ["dma_map_page"] = new($@"^\S+ {Direction} dma_addr=[0-9a-f]+ size=\d+ phys_addr=[0-9a-f]+ {Attributes}$"),
        ["dma_unmap_page"] = new($@"^\S+ {Direction} dma_addr=[0-9a-f]+ size=\d+ {Attributes}$"),
        ["dma_map_resource"] = new($@"^\S+ {Direction} dma_addr=[0-9a-f]+ size=\d+ phys_addr=[0-9a-f]+ {Attributes}$"),
        ["dma_unmap_resource"] = new($@"^\S+ {Direction} dma_addr=[0-9a-f]+ size=\d+ {Attributes}$"),
        ["dma_alloc"] = new($@"^\S+ {Direction} dma_addr=[0-9a-f]+ size=\d+ virt_addr=[0-9a-f]{{16}} flags=[A-Z_|]+ {Attributes}$"),
        ["dma_free"] = new($@"^\S+ {Direction} dma_addr=[0-9a-f]+ size=\d+ virt_addr=[0-9a-f]{{16}} {Attributes}$"),
        ["dma_map_sg"] = new(
            $@"^\S+ {Direction} (nents=\d+/\d+ ents=\d+/\d+( \[TRUNCATED\])? )?" +
            $"dma_addrs={Array} sizes={Array} phys_addrs={Array} {Attributes}$"),
        ["dma_unmap_sg"] = new($@"^\S+ {Direction} phys_addrs={Array} {Attributes}$"),
    };

    [GeneratedRegex(@"\d+\.\d{6}: (\w+): +(\S.*)$")]
    private static partial Regex Event();

    [GeneratedRegex(@"(?<=_addrs=|sizes=)(\{.*?\}|\d+( \d+)*)")]
    private static partial Regex List();

    [GeneratedRegex(@"^ *(?<task>\S{1,15})-(?<pid>\d+) +\[\d{3}\] [dDbX.][NnpLlBb.][ZzHhs.][0-9a-f.][0-9a-f.] +" +
        @"(?<time>\d+\.\d{6}): (?<event>\w+): (?<text>.*)$")]
    private static partial Regex Line();
}
