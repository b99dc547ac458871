using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace Aperture.Tool.Tests.Run;

public sealed class WorkloadTests
{
    private const string Board = "virt-arm64";

    [Fact]
    public void Times_are_in_the_JSON_object_and_marked_as_those_of_a_wall_clock()
    {
        var (code, output, _) = Tool.Run(Board, "nvme", json: true, seed: 3, amount: "2M");
        Assert.Equal(0, code);
        var scenario = JsonDocument.Parse(output).RootElement.GetProperty("scenario");
        Assert.Equal(4, scenario.GetProperty("lines").GetArrayLength());
        var times = scenario.GetProperty("wallTimes").EnumerateArray().ToArray();
        Assert.Equal(20, times.Length);
        foreach (var phase in times)
        {
            Assert.StartsWith("0000:00:0", phase.GetProperty("name").GetString(), StringComparison.Ordinal);
            Assert.True(phase.GetProperty("requests").GetInt32() > 0);
            Assert.True(phase.GetProperty("seconds").GetDouble() > 0);
            var latencies = phase.GetProperty("nanoseconds");
            var (middle, tail) = (latencies.GetProperty("p50").GetInt64(), latencies.GetProperty("p99.9").GetInt64());
            Assert.InRange(middle, 1, tail);
            Assert.True(latencies.GetProperty("mean").GetDouble() > 0);
            Assert.InRange(tail, 1, (latencies.GetProperty("max").GetInt64() * 1001 / 1000) + 1); // a bucket has three digits
        }
    }

    [Fact]
    public void The_text_has_a_table_of_them()
    {
        var (code, output, _) = Tool.Run(Board, "nvme", amount: "1M");
        Assert.Equal(0, code);
        Assert.Contains("by wall clock", output, StringComparison.Ordinal);
        Assert.Contains("99.9 %", output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_picture_is_a_PNG_or_an_SVG_file_by_its_name()
    {
        using var png = new TemporaryFile();
        Assert.Equal(0, Tool.Run(Board, "nvme", picture: png.Path, amount: "1M").Code);
        var bytes = File.ReadAllBytes(png.Path);
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], bytes[..4]);
        Assert.Equal((1200, 700), (BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(16)), BinaryPrimitives.ReadInt32BigEndian(
            bytes.AsSpan(20))));
        var svg = png.Path + ".svg";
        try
        {
            Assert.Equal(0, Tool.Run(Board, "nvme", picture: svg, amount: "1M").Code);
            var text = Encoding.UTF8.GetString(File.ReadAllBytes(svg));
            Assert.Contains("<svg", text, StringComparison.Ordinal);
            Assert.Contains("0000:00:01.0 strict: read 4 KiB at random", text, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(svg);
        }
    }

    [Theory]
    [InlineData("edu", 1, null, "--seed and --bytes are of workloads, and scenario 'edu' is none; these are: nvme")]
    [InlineData(null, null, "1M", "--seed and --bytes are of workloads, and scenario '(none named)' is none; these are: nvme")]
    [InlineData("nvme", null, "much", "--bytes 'much' is no size, such as 64M or 1G")]
    [InlineData("nvme", null, "0", "--bytes '0' is no size, such as 64M or 1G")]
    public void What_no_workload_takes_is_refused(string? scenario, int? seed, string? amount, string message)
    {
        var (code, _, error) = Tool.Run(Board, scenario, seed: seed, amount: amount);
        Assert.Equal((2, message), (code, error.Trim()));
    }
}
