using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Aperture.Core;
using Aperture.Diagnostics;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Diagnostics;

/// <summary>A trace.dat holds what the text holds: read by trace-cmd itself where it is installed, and by its layout.</summary>
public sealed class TraceDatWriterTests(Xunit.Abstractions.ITestOutputHelper output)
{
    public static TheoryData<TraceKernel> Kernels => [TraceKernel.Linux61, TraceKernel.Linux612, TraceKernel.Linux618];

    [TraceCmdTheory]
    [MemberData(nameof(Kernels))]
    public void Trace_cmd_prints_what_the_text_says(TraceKernel kernel)
    {
        const int Seed = 3;
        output.WriteLine($"seed {Seed}");
        var path = Path.GetTempFileName();
        try
        {
            string[] text;
            using (var file = File.Create(path))
                text = Record(file, kernel, new Random(Seed), 400);
            var (code, printed, errors) = Run("trace-cmd", "report", "-i", path);
            Assert.Equal((0, ""), (code, errors));
            var found = printed.Split('\n').Where(line => line.Contains(": ", StringComparison.Ordinal)).Select(Words);
            Assert.Equal(string.Join('\n', text.Select(Lists)), string.Join('\n', found.Select(Lists)));
            var names = text.Select(line => line.Split(' ')[3]).ToHashSet();
            Assert.Equal(kernel != TraceKernel.Linux61, names.Any(name => name.StartsWith("dma_", StringComparison.Ordinal)));
            Assert.Equal(kernel == TraceKernel.Linux618, names.Contains("dma_map_phys:"));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Records_lie_in_whole_pages_with_their_times(TraceKernel kernel)
    {
        using var file = new MemoryStream();
        file.Write("before"u8); // whoever gives the stream may have written already
        var text = Record(file, kernel, new Random(7), 2000);
        var bytes = file.ToArray().AsSpan();
        var mark = bytes.IndexOf("flyrecord\0"u8) + 10;
        var (begin, size) = (Read(bytes, mark), Read(bytes, mark + 8));
        Assert.Equal(((ulong)bytes.Length, 0ul, 0ul), (begin + size, begin % 4096, size % 4096));
        Assert.Equal(1, BinaryPrimitives.ReadInt32LittleEndian(bytes[(mark - 14)..]));
        var ids = Formats(bytes[..mark]);
        var found = new List<string>();
        for (var page = (int)begin; page < bytes.Length; page += 4096)
        {
            var (time, length) = (Read(bytes, page), (int)Read(bytes, page + 8));
            for (var at = page + 16; at < page + 16 + length;)
            {
                var word = BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);
                var next = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(at + 4)..]);
                time += word >> 5;
                if ((word & 31) == 30)
                {
                    time += (ulong)next << 27;
                    at += 8;
                    continue;
                }

                var (record, count) = (word & 31) == 0 ? (at + 8, (int)next - 4) : (at + 4, (int)(word & 31) * 4);
                Assert.Equal(1, BinaryPrimitives.ReadInt32LittleEndian(bytes[(record + 4)..]));
                var id = BinaryPrimitives.ReadUInt16LittleEndian(bytes[record..]);
                found.Add(FormattableString.Invariant($"{time / 1_000_000_000}.{time / 1000 % 1_000_000:d6}: {ids[id]}:"));
                at = record + count;
            }
        }

        Assert.Equal(text.Select(line => string.Join(' ', line.Split(' ')[2..4])), found);
    }

    [Fact]
    public void What_comes_after_the_end_is_left_out_and_a_pipe_is_refused()
    {
        using var file = new MemoryStream();
        var writer = new TraceDatWriter(file, new ManualTime());
        writer.AttachDeviceToDomain("a");
        writer.Finish();
        var length = file.Length;
        writer.AttachDeviceToDomain("b");
        writer.DmaUnmapScatter("b", DmaDirection.ToDevice, [], DmaAttributes.None);
        writer.Dispose();
        Assert.Equal(length, file.Length);
        using var pipe = new System.IO.Pipes.AnonymousPipeServerStream();
        var e = Assert.Throws<ApertureException>(() => new TraceDatWriter(pipe, new ManualTime()));
        Assert.Equal(Status.NotSupported, e.Status);
    }

    /// <summary>Random events into a file; the text of the same.</summary>
    private static string[] Record(Stream file, TraceKernel kernel, Random random, int count)
    {
        var time = new ManualTime();
        using var text = new StringWriter();
        using var binary = new TraceDatWriter(file, time, "iogen", kernel);
        DmaTrace[] writers = [binary, new FtraceWriter(text, time, "iogen", kernel)];
        for (var i = 0; i < count; i++)
        {
            if (random.Next(20) == 0)
                time.Advance(TimeSpan.FromMicroseconds(random.Next(1 << random.Next(1, 28))));
            var (kind, seed) = (i < Kinds ? i : random.Next(Kinds), random.Next());
            foreach (var writer in writers)
                Tell(writer, kind, new Random(seed));
        }

        return [.. text.ToString().Split('\n').Where(line => line.Length > 0 && line[0] != '#').Select(Words)];
    }

    private const int Kinds = 16;

    private static unsafe void Tell(DmaTrace trace, int kind, Random random)
    {
        var device = random.Next(3) == 0 ? "0000:00:02.0" : "480bc000.isp";
        var direction = (DmaDirection)random.Next(3);
        var attributes = (DmaAttributes)(random.Next(2) == 0 ? 0 : random.Next() & 0x3FFE);
        var (address, physical) = (new Iova((ulong)random.NextInt64()), new PhysicalAddress((ulong)random.NextInt64()));
        var size = (ulong)random.Next(1, 1 << 30);
        var memory = Enumerable.Range(0, random.Next(1, 140))
            .Select(_ => new MemoryBlock(null, new PhysicalAddress((ulong)random.NextInt64()), 4096)).ToArray();
        var segments = Enumerable.Range(0, random.Next(1, 140)).Select(_ => new DmaSegment(new Iova((ulong)random.NextInt64()), 4096))
            .ToArray();
        switch (kind)
        {
            case 0: trace.AddDeviceToGroup(random.Next(100), device); break;
            case 1: trace.RemoveDeviceFromGroup(random.Next(100), device); break;
            case 2: trace.AttachDeviceToDomain(device); break;
            case 3: trace.Map(address, physical, size); break;
            case 4: trace.Unmap(address, size, size - 1); break;
            case 5: trace.IoPageFault(device, "omap3isp", address, random.Next(2) == 0); break;
            case 6: trace.DmaBounced(device, new Iova(uint.MaxValue), address, size, random.Next(2) == 0); break;
            case 7: trace.DmaMap(device, direction, address, size, physical, attributes); break;
            case 8: trace.DmaUnmap(device, direction, address, size, attributes); break;
            case 9: trace.DmaMapResource(device, direction, address, size, physical, attributes); break;
            case 10: trace.DmaUnmapResource(device, direction, address, size, attributes); break;
            case 11: trace.DmaMapScatter(device, direction, segments, memory, attributes); break;
            case 12: trace.DmaMapScatterFailed(device, direction, memory, Status.NoMemory, attributes); break;
            case 13: trace.DmaUnmapScatter(device, direction, memory, attributes); break;
            case 14: trace.DmaAllocate(device, address, size, physical, attributes); break;
            default: trace.DmaFree(device, address, size, physical, attributes); break;
        }
    }

    /// <summary>Task, processor, time, event and text, whatever stands between; the text's marks of irqs are not in a file.</summary>
    private static string Words(string line) => string.Join(' ', line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
        .Where((word, i) => i != 2 || word != "....."));

    /// <summary>Lists as trace-cmd 3.1 prints them (3.3 does as kernels do): a kernel's <c>{0x10,0x20}</c> becomes <c>16 32</c>.</summary>
    private static string Lists(string line) => Regex.Replace(line, "{(.*?)}", list => string.Join(' ', list.Groups[1].Value.Split(',')
        .Select(item => ulong.Parse(item[2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture))));

    private static Dictionary<ushort, string> Formats(ReadOnlySpan<byte> head)
    {
        var lines = Encoding.ASCII.GetString(head).Split('\n');
        return Enumerable.Range(0, lines.Length).Where(i => lines[i].StartsWith("ID: ", StringComparison.Ordinal))
            .ToDictionary(i => ushort.Parse(lines[i][4..], CultureInfo.InvariantCulture),
                i => lines[i - 1][(lines[i - 1].LastIndexOf("name: ", StringComparison.Ordinal) + 6)..]);
    }

    private static ulong Read(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]);

    private static (int Code, string Output, string Errors) Run(string program, params string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var printed = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, printed, errors.Result);
    }

    private sealed class TraceCmdTheoryAttribute : TheoryAttribute
    {
        public TraceCmdTheoryAttribute() => Skip = Environment.GetEnvironmentVariable("PATH")?.Split(':')
            .Any(folder => File.Exists(Path.Combine(folder, "trace-cmd"))) == true ? null : "needs trace-cmd (package trace-cmd)";
    }
}
