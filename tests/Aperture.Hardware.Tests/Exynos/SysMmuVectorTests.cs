using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Exynos;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Exynos;

/// <summary>Replays the recorded register traffic: the model answers every read as the recorded hardware did, and translates
/// every expected address, with exactly the expected rights, through the recorded tables.</summary>
public class SysMmuVectorTests
{
    private const ulong TableRamSize = 64 << 20;

    public static TheoryData<string> Files => [.. Directory.GetFiles(Folder(), "*.jsonl").Select(path => Path.GetFileName(path)!).Order()];

    [Theory]
    [MemberData(nameof(Files))]
    public void Model_reproduces_the_recording(string file)
    {
        var lines = File.ReadLines(Path.Combine(Folder(), file)).Select(text => JsonDocument.Parse(text).RootElement).ToList();
        using var memory = new PhysicalMemory(new MemoryRange(new PhysicalAddress(Hex(lines[0], "ramBase")), TableRamSize));
        var bus = new SystemBus(memory);
        var units = lines.Where(line => Name(line, "e") == "unit")
            .ToDictionary(line => Name(line, "unit"), line => NewUnit(bus, lines, line));
        var tables = new Dictionary<string, ulong>();
        var reads = 0;
        for (var i = 0; i < lines.Count; i++)
        {
            var line = lines[i];
            var where = $"{file}:{i + 1}: {line}";
            switch (Name(line, "e"))
            {
                case "reset" or "hw":
                    units[Name(line, "unit")].Poke((uint)Hex(line, "off"), (uint)Hex(line, "val"));
                    break;
                case "model":
                    units[Name(line, "unit")].BlockDelayPolls = line.GetProperty("blockDelayPolls").GetInt32();
                    break;
                case "w":
                    Assert.True(units[Name(line, "unit")].TryWrite((uint)Hex(line, "off"), 4, Hex(line, "val")), where);
                    break;
                case "r":
                    Assert.True(units[Name(line, "unit")].TryRead((uint)Hex(line, "off"), 4, out var read), where);
                    Assert.True(Hex(line, "val") == read, $"{where}: got 0x{read:x}");
                    reads++;
                    break;
                case "api" when Name(line, "call") == "domain_alloc":
                    tables[Name(line, "dom")] = Hex(lines[i + 1], "pa");
                    break;
                case "mem":
                    Apply(memory, line);
                    break;
                case "expect":
                    Expect(bus, units.Values.First().Options, tables[Name(line, "dom")], line, where);
                    break;
            }
        }

        Assert.NotEqual(0, reads);
    }

    /// <summary>A fresh unit of the same kind walks the tables: the recorded unit's own state must not change, as the recorded
    /// master made no accesses.</summary>
    private static void Expect(SystemBus bus, SysMmuOptions options, ulong table, JsonElement line, string where)
    {
        var unit = new SysMmuHarness(options, bus);
        unit.Enable(table);
        var address = Hex(line, "iova");
        if (line.TryGetProperty("fault", out _))
        {
            Assert.True(unit.Translate(address, DmaAccess.Read, out _) == TranslationStatus.Stalled, where);
            return;
        }

        foreach (var (access, letter) in new[] { (DmaAccess.Read, 'r'), (DmaAccess.Write, 'w') })
        {
            unit.Enable(table);
            var status = unit.Translate(address, access, out var target);
            var isAllowed = Name(line, "prot") != "none" && Name(line, "prot").Contains(letter, StringComparison.Ordinal);
            Assert.True(status == (isAllowed ? TranslationStatus.Ok : TranslationStatus.Stalled), $"{where}: {access} got {status}");
            Assert.True(!isAllowed || target == Hex(line, "pa"), $"{where}: got 0x{target:x}");
        }
    }

    private static ExynosSysMmu NewUnit(SystemBus bus, List<JsonElement> lines, JsonElement unit)
    {
        var values = lines.Where(line => Name(line, "e") == "reset" && Name(line, "unit") == Name(unit, "unit"))
            .ToDictionary(line => (uint)Hex(line, "off"), line => (uint)Hex(line, "val"));
        var options = SysMmuOptions.ForVersion(values[0x34], values.GetValueOrDefault(0x870u), values.GetValueOrDefault(0x874u));
        return new ExynosSysMmu(bus, options with { WindowSize = unit.GetProperty("size").GetUInt32() });
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
        MemoryMarshal.Write(memory.Span(new PhysicalAddress(address), 4), in value);

    private static string Name(JsonElement line, string property) => line.GetProperty(property).GetString()!;

    private static ulong Hex(JsonElement line, string property) => Parse(line.GetProperty(property).GetString()!);

    private static ulong Parse(string text) => ulong.Parse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private static string Folder([CallerFilePath] string path = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "../../vectors/exynos"));
}
