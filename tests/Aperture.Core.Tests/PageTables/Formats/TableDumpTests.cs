using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;

namespace Aperture.Core.Tests.PageTables.Formats;

/// <summary>Tables from the memory of running machines lead where an independent walker found them to lead.</summary>
public class TableDumpTests
{
    private const int DeviceEntryBytes = 32; // of AMD's device table

    [Fact]
    public void Amd_v1()
    {
        var pages = Pages("amd-v1", out _);
        var deviceTable = pages.Keys.Min(); // its two pages come first
        var compared = 0;
        foreach (var device in Maps("amd-v1").GroupBy(map => map.Device))
        {
            var entry = Word(pages, deviceTable + (ulong)(NumberOf(device.Key) * DeviceEntryBytes));
            var format = new AmdV1Format((int)(entry >> 9) & 7);
            var found = new List<Mapping>();
            Walk(pages, format, entry & 0x000F_FFFF_FFFF_F000, format.StartLevel, 0, found);
            Assert.Equal(device.Select(map => map.Page).OrderBy(map => map.Iova), found);
            compared += found.Count;
        }

        Assert.True(compared > 500);
    }

    [Fact]
    public void Stage_1_of_an_smmu()
    {
        var pages = Pages("smmuv3", out var kinds);
        var contexts = new List<List<Mapping>>();
        foreach (var (address, _) in kinds.Where(kind => kind.Value == "cd"))
        {
            Assert.Equal(16UL, Word(pages, address) & 0x3F); // input addresses of 48 bits
            var found = new List<Mapping>();
            Walk(pages, new ArmLpaeFormat(new()), Word(pages, address + 8) & 0x000F_FFFF_FFFF_FFF0, 0, 0, found);
            contexts.Add(found);
        }

        var devices = Maps("smmuv3").GroupBy(map => map.Device).ToArray();
        Assert.NotEmpty(devices);
        foreach (var device in devices)
            Assert.Contains(device.Select(map => map.Page).OrderBy(map => map.Iova).ToList(), contexts, new SameList());
    }

    private static void Walk(Dictionary<ulong, byte[]> pages, IPageTableFormat format, ulong table, int level, ulong start,
        List<Mapping> found)
    {
        for (var i = 0; i < 1 << format.IndexBits(level); i++)
        {
            var entry = Word(pages, table + ((ulong)i * 8));
            var iova = start + ((ulong)i << format.Shift(level));
            switch (format.Classify(level, entry))
            {
                case EntryKind.Table:
                    // 55 is software's
                    Assert.Equal(entry & ~(1UL << 55), format.MakeTable(level, format.TableAddress(level, entry)) & ~(1UL << 55));
                    Walk(pages, format, format.TableAddress(level, entry).Value, level + 1, iova, found);
                    break;
                case EntryKind.Leaf:
                    var shift = format.LeafShift(level, entry);
                    var protection = format.LeafProtection(level, entry);
                    Assert.Equal(entry, format.MakeLeaf(level, shift, format.LeafAddress(level, entry), protection));
                    if ((iova & ((1UL << shift) - 1)) == 0)
                        found.Add(new Mapping(iova, format.LeafAddress(level, entry).Value, 1UL << shift,
                            protection & Protection.ReadWrite));
                    break;
            }
        }
    }

    private static int NumberOf(string device)
    {
        var parts = device.Split(':', '.'); // domain, bus, slot, function
        return Convert.ToInt32(parts[1], 16) << 8 | Convert.ToInt32(parts[2], 16) << 3 | Convert.ToInt32(parts[3], 16);
    }

    private static ulong Word(Dictionary<ulong, byte[]> pages, ulong address) =>
        BinaryPrimitives.ReadUInt64LittleEndian(pages[address & ~0xFFFUL].AsSpan((int)(address & 0xFFF)));

    private static Dictionary<ulong, byte[]> Pages(string dump, out Dictionary<ulong, string> kinds)
    {
        var lines = Lines(dump, "tables").ToList();
        kinds = lines.ToDictionary(line => Hex(line, "pa"), line => line.GetProperty("kind").GetString()!);
        return lines.ToDictionary(line => Hex(line, "pa"), line => line.GetProperty("base64").GetBytesFromBase64());
    }

    private static IEnumerable<(string Device, Mapping Page)> Maps(string dump) => Lines(dump, "maps")
        .Select(line => (line.GetProperty("bdf").GetString()!, new Mapping(
        Hex(line, "iova"),
        Hex(line, "pa"),
        line.GetProperty("size").GetUInt64(),
        (line.GetProperty("r").GetBoolean() ? Protection.Read : 0) | (line.GetProperty("w").GetBoolean() ? Protection.Write : 0))));

    private static IEnumerable<JsonElement> Lines(string dump, string file)
    {
        using var reader = new StreamReader(
            new GZipStream(File.OpenRead(Path.Combine(Folder(), dump, file + ".jsonl.gz")), CompressionMode.Decompress));
        while (reader.ReadLine() is { } line)
            yield return JsonDocument.Parse(line).RootElement;
    }

    private static ulong Hex(JsonElement line, string member) => Convert.ToUInt64(line.GetProperty(member).GetString(), 16);

    private static string Folder([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "vectors", "dumps"));

    private sealed record Mapping(ulong Iova, ulong Address, ulong Size, Protection Rights);

    private sealed class SameList : IEqualityComparer<List<Mapping>>
    {
        public bool Equals(List<Mapping>? x, List<Mapping>? y) => x!.SequenceEqual(y!);

        public int GetHashCode(List<Mapping> obj) => obj.Count;
    }
}
