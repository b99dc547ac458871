using System.Globalization;
using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.SmmuV3;
using Aperture.Hardware.Bus;
using Aperture.Hardware.SmmuV3;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.SmmuV3;

/// <summary>The unit over the tables that a kernel's driver left in the memory of a machine: it finds every translation that an independent
/// walker found, with its rights, and none beside them.</summary>
public sealed class SmmuV3DumpTests
{
    private const ulong Ram = 0x4000_0000; // of that machine

    [Fact]
    public void Every_recorded_translation_is_found_and_what_lies_beside_faults()
    {
        using var memory = new PhysicalMemory(new MemoryRange(new PhysicalAddress(Ram), 256 << 20));
        var unit = new Hardware.SmmuV3.SmmuV3(new SystemBus(memory), SmmuV3Options.Qemu with { StreamBits = 16 });
        foreach (var page in Lines("tables"))
        {
            var bytes = page.GetProperty("base64").GetBytesFromBase64();
            bytes.CopyTo(memory.Span(new PhysicalAddress(Hex(page, "pa")), bytes.Length));
        }

        var registers = File.ReadAllText(Path.Combine(Folder(), "registers.txt")).Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(word => word.Split('=')).Where(parts => parts.Length == 2).ToDictionary(parts => parts[0], parts => Number(parts[1]));
        Assert.True(unit.TryWrite(SmmuV3Register.StreamTableBase, 8, registers["STRTAB_BASE"]));
        Assert.True(unit.TryWrite(SmmuV3Register.StreamTableConfig, 4, registers["STRTAB_BASE_CFG"]));
        Assert.True(unit.TryWrite(SmmuV3Register.Cr0, 4, (uint)SmmuV3Control.Translates));

        var mapped = new HashSet<(uint Stream, ulong Page)>();
        var maps = Lines("maps").ToList();
        foreach (var map in maps)
        {
            for (var at = 0UL; at < map.GetProperty("size").GetUInt64(); at += 4096)
                mapped.Add((StreamOf(map), Hex(map, "iova") + at));
        }

        var beside = 0;
        foreach (var map in maps)
        {
            var (stream, iova, size) = (StreamOf(map), Hex(map, "iova"), map.GetProperty("size").GetUInt64());
            foreach (var at in (ulong[])[0, 8, size / 2, size - 1])
            {
                var where = $"stream {stream} at 0x{iova + at:x}";
                Assert.True(Ask(stream, iova + at, DmaAccess.Read) == Hex(map, "pa") + at, $"{where}: not where it was recorded");
                var written = map.GetProperty("w").GetBoolean() ? Hex(map, "pa") + at : 0;
                Assert.True(Ask(stream, iova + at, DmaAccess.Write) == written, $"{where}: the right to write is not as recorded");
            }

            foreach (var at in (ulong[])[iova - 4096, iova + size])
            {
                if (mapped.Contains((stream, at)))
                    continue;
                beside++;
                Assert.True(Ask(stream, at, DmaAccess.Read) == 0, $"stream {stream} at 0x{at:x}: mapped, and was not recorded");
            }
        }

        Assert.True(mapped.Count > 800 && beside > 20);

        ulong Ask(uint stream, ulong at, DmaAccess access)
        {
            var result = unit.Translate(new BusRequest(new StreamId(stream), new Iova(at), access));
            return result.Status == TranslationStatus.Ok ? result.Address.Value : 0;
        }
    }

    private static uint StreamOf(JsonElement map)
    {
        var parts = map.GetProperty("bdf").GetString()!.Split(':', '.');
        return (uint)Number(parts[1]) << 8 | (uint)Number(parts[2]) << 3 | (uint)Number(parts[3]);
    }

    private static ulong Hex(JsonElement line, string member) => Number(line.GetProperty(member).GetString()!);

    private static ulong Number(string text)
    {
        var digits = text.StartsWith("0x", StringComparison.Ordinal) ? text[2..] : text;
        return ulong.Parse(digits.TrimEnd(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
    }

    private static IEnumerable<JsonElement> Lines(string file)
    {
        using var reader = new StreamReader(
            new GZipStream(File.OpenRead(Path.Combine(Folder(), file + ".jsonl.gz")), CompressionMode.Decompress));
        while (reader.ReadLine() is { } line)
            yield return JsonDocument.Parse(line).RootElement;
    }

    private static string Folder([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "vectors", "dumps", "smmuv3"));
}
