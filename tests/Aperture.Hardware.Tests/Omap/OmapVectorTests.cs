using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Omap;
using Aperture.Hardware.Tests.Translation;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Omap;

/// <summary>Replays the recorded register traffic: the model answers every read as the recorded hardware did, and translates
/// every expected address through the recorded tables.</summary>
public class OmapVectorTests
{
    private const ulong TableRam = 0x8000_0000; // meta.ramBase
    private const ulong TableRamSize = 64 << 20;

    public static TheoryData<string> Files => [.. Directory.GetFiles(Folder(), "*.jsonl").Select(path => Path.GetFileName(path)!).Order()];

    [Theory]
    [MemberData(nameof(Files))]
    public void Model_reproduces_the_recording(string file)
    {
        using var memory = new PhysicalMemory(new MemoryRange(new PhysicalAddress(TableRam), TableRamSize));
        var bus = new SystemBus(memory);
        var units = new Dictionary<string, OmapMmu>();
        var tables = new Dictionary<string, HashSet<ulong>>(); // first-level tables of each domain, as programmed at attach
        string? attached = null;
        var (number, defects, replayed) = (0, 0, 0);
        foreach (var text in File.ReadLines(Path.Combine(Folder(), file)))
        {
            number++;
            using var document = JsonDocument.Parse(text);
            var line = document.RootElement;
            var where = $"{file}:{number}: {text}";
            replayed += line.GetProperty("e").GetString() is "unit" or "r" or "w" or "expect" ? 1 : 0;
            switch (defects > 0 ? "skipped" : line.GetProperty("e").GetString())
            {
                case "note" when IsDefect(line):
                    defects++;
                    break;
                case "unit":
                    units[Name(line, "unit")] =
                        new OmapMmu(bus, Variant(file, Name(line, "unit")) with { WindowSize = line.GetProperty("size").GetUInt32() });
                    break;
                case "api":
                    attached = line.GetProperty("call").GetString() == "attach_dev" ? Name(line, "dom") : null;
                    break;
                case "reset" or "hw":
                    units[Name(line, "unit")].Poke((uint)Hex(line, "off"), (uint)Hex(line, "val"));
                    break;
                case "tlb":
                    units[Name(line, "unit")]
                        .SetEntry(line.GetProperty("index").GetInt32(), (uint)Hex(line, "cam"), (uint)Hex(line, "ram"));
                    break;
                case "w":
                    Assert.True(units[Name(line, "unit")].TryWrite((uint)Hex(line, "off"), 4, Hex(line, "val")), where);
                    if (attached is not null && Hex(line, "off") == 0x4C)
                        (tables.TryGetValue(attached, out var bases) ? bases : tables[attached] = []).Add(Hex(line, "val"));
                    break;
                case "r":
                    Assert.True(units[Name(line, "unit")].TryRead((uint)Hex(line, "off"), 4, out var read), where);
                    Assert.True(Hex(line, "val") == read, $"{where}: got 0x{read:x}");
                    break;
                case "mem":
                    Apply(memory, line);
                    break;
                case "poke":
                    Store(memory, Hex(line, "pa"), (uint)Hex(line, "val"));
                    break;
                case "expect":
                    Assert.NotEmpty(tables[Name(line, "dom")]);
                    foreach (var tableBase in tables[Name(line, "dom")])
                        Expect(bus, tableBase, line, where);
                    break;
            }
        }

        Assert.NotEqual(0, replayed);
        // What lies behind the recorded driver's own defect is not compared.
        Assert.Equal(file == "map_over_existing.jsonl" ? 1 : 0, defects);
    }

    /// <summary>A fresh unit of the same kind walks the tables: the recorded unit's own state must not change, as the recorded
    /// master never filled its TLB.</summary>
    private static void Expect(SystemBus bus, ulong tableBase, JsonElement line, string where)
    {
        var unit = new OmapMmu(bus, OmapMmuOptions.Omap4Ipu);
        unit.TryWrite(0x4C, 4, tableBase);
        unit.TryWrite(0x44, 4, 6);
        var status = unit.Translate(new BusRequest(default, new Iova(Hex(line, "iova")), DmaAccess.Write), out var address, out _);
        if (line.TryGetProperty("fault", out _))
        {
            Assert.True(status == TranslationStatus.Stalled, $"{where}: got {status} {address}");
            return;
        }

        Assert.True(status == TranslationStatus.Ok && address.Value == Hex(line, "pa"), $"{where}: got {status} {address}");
    }

    /// <summary>From here on the reference writes table entries into mapped memory: recorded, but not to be reproduced.</summary>
    private static bool IsDefect(JsonElement line) =>
        line.GetProperty("text").GetString()!.StartsWith("4 KiB page over a section", StringComparison.Ordinal);

    /// <summary>The recordings vary the number of entries; otherwise the preset of the instance fits.</summary>
    private static OmapMmuOptions Variant(string file, string unit)
    {
        var options = unit switch
        {
            "480bd400.mmu" => OmapMmuOptions.Omap3Isp,
            "5d000000.mmu" => OmapMmuOptions.Omap3,
            "4a066000.mmu" => OmapMmuOptions.Omap4Dsp,
            "55082000.mmu" => OmapMmuOptions.Omap4Ipu,
            _ => OmapMmuOptions.Dra7Dsp,
        };
        var probe = File.ReadLines(Path.Combine(Folder(), file))
            .First(line => line.Contains($"\"probe\",\"dev\":\"{unit}\"", StringComparison.Ordinal));
        return options with { TlbEntries = JsonDocument.Parse(probe).RootElement.GetProperty("tlbEntries").GetInt32() };
    }

    private static void Apply(PhysicalMemory memory, JsonElement line)
    {
        var address = Hex(line, "pa");
        if (line.TryGetProperty("words", out var words))
        {
            foreach (var word in words.EnumerateArray())
            {
                Store(memory, address, (uint)Parse(word.GetString()!));
                address += 4;
            }

            return;
        }

        var step = line.TryGetProperty("step", out _) ? (uint)Hex(line, "step") : 0;
        var value = (uint)Hex(line, "fill");
        for (var i = line.GetProperty("count").GetInt32(); i > 0; i--, address += 4, value += step)
            Store(memory, address, value);
    }

    private static void Store(PhysicalMemory memory, ulong address, uint value) =>
        System.Runtime.InteropServices.MemoryMarshal.Write(memory.Span(new PhysicalAddress(address), 4), in value);

    private static string Name(JsonElement line, string property) => line.GetProperty(property).GetString()!;

    private static ulong Hex(JsonElement line, string property) => Parse(line.GetProperty(property).GetString()!);

    private static ulong Parse(string text) => ulong.Parse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private static string Folder([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "vectors", "omap");
}
