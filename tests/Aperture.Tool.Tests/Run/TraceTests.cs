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

    [GeneratedRegex(@"^ *(?<task>\S{1,15})-(?<pid>\d+) +\[\d{3}\] [dDbX.][NnpLlBb.][ZzHhs.][0-9a-f.][0-9a-f.] +" +
        @"(?<time>\d+\.\d{6}): (?<event>\w+): (?<text>.*)$")]
    private static partial Regex Line();
}
