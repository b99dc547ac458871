using System.Globalization;
using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Aperture.Core;
using Aperture.Tool.Decode;

namespace Aperture.Tool.Tests.Decode;

/// <summary>The tables that a kernel's driver left in the memory of a machine, printed.</summary>
public sealed class SmmuV3DumpTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static string Dump([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "vectors", "dumps", "smmuv3"));

    private static string[] Print(string? function = null, string? iova = null, string? dump = null)
    {
        using var output = new StringWriter(CultureInfo.InvariantCulture);
        Assert.Equal(0, DecodeCommand.Run([dump ?? Dump()], function, iova, output));
        return output.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>What an independent walker found, page by page.</summary>
    private static List<(string Function, ulong Iova, ulong Target, bool IsWritable)> Recorded()
    {
        using var text = new StreamReader(
            new GZipStream(File.OpenRead(Path.Combine(Dump(), "maps.jsonl.gz")), CompressionMode.Decompress));
        var found = new List<(string, ulong, ulong, bool)>();
        while (text.ReadLine() is { } line)
        {
            using var map = JsonDocument.Parse(line);
            var root = map.RootElement;
            var (iova, target) = (Hex(root.GetProperty("iova").GetString()!), Hex(root.GetProperty("pa").GetString()!));
            for (var at = 0UL; at < root.GetProperty("size").GetUInt64(); at += 4096)
                found.Add((root.GetProperty("bdf").GetString()![5..], iova + at, target + at, root.GetProperty("w").GetBoolean()));
        }

        return found;
    }

    private static ulong Hex(string text) => ulong.Parse(text[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    [Fact]
    public void All_that_was_recorded_is_printed_and_nothing_else()
    {
        var printed = new List<(string, ulong, ulong, bool)>();
        var function = "";
        foreach (var line in Print())
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words[0] == "stream" && words[2] is ['(', ..] name)
                function = name.Trim('(', ')', ':');
            if (!line.Contains("->", StringComparison.Ordinal))
                continue;
            var (range, target) = (words[0].Split(".."), Hex(words[2]));
            for (var at = Hex(range[0]); at < Hex(range[1]); at += 4096)
                printed.Add((function, at, target + (at - Hex(range[0])), words[3][1] == 'w'));
        }

        var recorded = Recorded();
        Assert.True(recorded.Count > 800);
        Assert.Equal(recorded.Order(), printed.Order());
    }

    [Fact]
    public void The_whole_says_where_everything_lies()
    {
        var lines = Print();
        Assert.Equal("stream table at 0x43083000: 16 bits of stream, two levels, 8 bits in the second", lines[0]);
        Assert.Contains("stream 0x8 (00:01.0): stage 1, contexts at 0x437ee000, 1 at most", lines);
        Assert.Contains("  context 0: ASID 5, TTB0: 0x437f0000, 48 bits, pages of 4 KiB", lines);
        Assert.EndsWith("streams are aborted", lines[^1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0000:00:01.0")]
    [InlineData("00:01.0")]
    [InlineData("0x8")]
    public void The_way_to_one_address(string function)
    {
        var lines = Print(function, "0x100234");
        Assert.Equal(
            [
                "    level 0  0x437f0000: 0x00000000436db003",
                "    level 1  0x436db000: 0x00000000437da003",
                "    level 2  0x437da000: 0x00000000437dd003",
                "    level 3  0x437dd800: 0x00000000421e3f47",
                "    0x100234 -> 0x421e3234 rwx- cached",
            ],
            lines[3..]);
        Assert.Equal("    0x123456789000 is not mapped", Print(function, "123456789000")[^1]);
    }

    [Fact]
    public void What_cannot_be_printed_is_said()
    {
        Assert.Equal(Status.NotFound, Fails("00:1f.0", null, Dump(), "stream 0xf8 (00:1f.0)"));
        Assert.Equal(Status.InvalidArgument, Fails("00:20.0", null, Dump(), "'00:20.0' is no PCI function"));
        Assert.Equal(Status.InvalidArgument, Fails(null, "here", Dump(), "'here' is no device address"));
        File.WriteAllText(Path.Combine(_folder, "registers.txt"), "REG vtd RTADDR=0x1000\n");
        Assert.Equal(Status.NotFound, Fails(null, null, _folder, "tables.jsonl.gz"));
        File.WriteAllText(Path.Combine(_folder, "tables.jsonl"), "");
        Assert.Equal(Status.NotSupported, Fails(null, null, _folder, "a unit 'vtd'"));
        File.WriteAllText(Path.Combine(_folder, "registers.txt"), "REG smmuv3 CR0=0xD\n");
        Assert.Equal(Status.InvalidArgument, Fails(null, null, _folder, "STRTAB_BASE_CFG"));
        File.WriteAllText(Path.Combine(_folder, "registers.txt"), "REG smmuv3 CR0\n");
        Assert.Equal(Status.InvalidArgument, Fails(null, null, _folder, "'CR0' is no register"));
        File.WriteAllText(Path.Combine(_folder, "registers.txt"), "nothing\n");
        Assert.Equal(Status.InvalidArgument, Fails(null, null, _folder, "no line REG"));
        File.WriteAllText(Path.Combine(_folder, "registers.txt"), "REG smmuv3 CR0=0xD\n");
        File.WriteAllText(Path.Combine(_folder, "tables.jsonl"), "{\"pa\": \"0x1000\", \"base64\": \"AAAA\"}");
        Assert.Equal(Status.InvalidArgument, Fails(null, null, _folder, "no page of 3 bytes at 0x1000"));

        static Status Fails(string? function, string? iova, string dump, string what)
        {
            var error = Assert.Throws<ApertureException>(() => DecodeCommand.Run([dump], function, iova, TextWriter.Null));
            Assert.Contains(what, error.Message, StringComparison.Ordinal);
            return error.Status;
        }
    }

    /// <summary>Both stages by hand: the guest's tables and contexts are where stage 2 leads.</summary>
    [Fact]
    public void Tables_behind_stage_2_are_followed()
    {
        const ulong Streams = 0x1000;
        const ulong Offset = 0x10000; // from a guest's address to a physical one
        var pages = new Dictionary<ulong, byte[]>();
        Word(Streams, 1 | 7 << 1 | 0x5000);                  // both stages, the context at the guest's 0x5000
        Word(Streams + 16, 3 | (ulong)(24 | 1 << 6 | 5 << 16) << 32 | 1UL << 51); // VMID 3, 40 bits
        Word(Streams + 24, 0x2000);
        Word(0x2000, 0x4003);                                // stage 2: two tables of level 1 at 0x2000
        Word(0x4000, 0x9003);
        for (var page = 5UL; page < 10; page++)
            Word(0x9000 + (page * 8), (page << 12) + Offset | 0x7FF);
        Word(0x5000 + Offset, 1UL << 31 | 1UL << 41 | 5UL << 32 | 1UL << 30 | 25 | 7UL << 48); // ASID 7, 39 bits
        Word(0x5008 + Offset, 0x6000);
        Word(0x6000 + Offset, 0x7003);
        Word(0x7000 + Offset, 0x8003);
        Word(0x8000 + Offset + 8, 0x9FC7);                   // the guest's 0x9000, read only
        File.WriteAllText(Path.Combine(_folder, "registers.txt"), "REG smmuv3 STRTAB_BASE=0x1000 STRTAB_BASE_CFG=0x0 IDR5=0x75\n");
        File.WriteAllLines(Path.Combine(_folder, "tables.jsonl"), pages.Select(page =>
            $"{{\"pa\": \"0x{page.Key:x}\", \"kind\": \"x\", \"base64\": \"{Convert.ToBase64String(page.Value)}\"}}"));
        var lines = Print(dump: _folder);
        Assert.Equal("stream 0x0 (00:00.0): both stages, contexts at 0x5000, 1 at most, virtual machine 3", lines[1]);
        Assert.Equal("  context 0: ASID 7, TTB0: 0x6000, 39 bits, pages of 4 KiB", lines[2]);
        Assert.Equal("    0x000000001000..0x000000001fff -> 0x000000009000 r-x- cached 1 x 4 KiB", lines[3]);
        Assert.Equal(4, lines.Length);

        void Word(ulong at, ulong word)
        {
            if (!pages.TryGetValue(at & ~0xFFFUL, out var page))
                pages.Add(at & ~0xFFFUL, page = new byte[4096]);
            BitConverter.TryWriteBytes(page.AsSpan((int)(at & 0xFFF)), word);
        }
    }
}
