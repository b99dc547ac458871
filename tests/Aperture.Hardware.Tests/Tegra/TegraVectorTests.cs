using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Tegra;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Tegra;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Tegra;

/// <summary>Replays the recorded register traffic: the model answers every read as the recorded hardware did, and translates
/// every expected address, with exactly the expected rights, through the recorded tables.</summary>
public class TegraVectorTests
{
    private const ulong TableRamSize = 64 << 20;

    public static TheoryData<string> Files => [.. Directory.GetFiles(Folder(), "*.jsonl").Select(path => Path.GetFileName(path)!).Order()];

    [Theory]
    [MemberData(nameof(Files))]
    public void Model_reproduces_the_recording(string file)
    {
        var lines = File.ReadLines(Path.Combine(Folder(), file)).Select(text => JsonDocument.Parse(text).RootElement).ToList();
        var soc = TegraSoc.All.Single(candidate => file.EndsWith($"_{candidate.Name}.jsonl", StringComparison.Ordinal));
        var start = Hex(lines[0], "ramBase");
        using var memory = new PhysicalMemory(new MemoryRange(new PhysicalAddress(start), TableRamSize));
        var bus = new SystemBus(memory);
        var unit = new TegraSmmu(bus, new TegraSmmuOptions { Soc = soc });
        var directories = new Dictionary<string, ulong>();
        var reads = 0;
        for (var i = 0; i < lines.Count; i++)
        {
            var line = lines[i];
            var where = $"{file}:{i + 1}: {line}";
            switch (Name(line, "e"))
            {
                case "hw":
                    unit.Poke((uint)Hex(line, "off"), (uint)Hex(line, "val"));
                    break;
                case "w":
                    Assert.True(unit.TryWrite((uint)Hex(line, "off"), 4, Hex(line, "val")), where);
                    break;
                case "r":
                    Assert.True(unit.TryRead((uint)Hex(line, "off"), 4, out var read), where);
                    if (file.StartsWith("random_500", StringComparison.Ordinal))
                        break; // its traffic is incomplete
                    Assert.True(Hex(line, "val") == read, $"{where}: got 0x{read:x}");
                    reads++;
                    break;
                case "api" when Name(line, "call") == "domain_alloc":
                    directories[Name(line, "dom")] = Hex(lines[i + 1], "pa");
                    break;
                case "mem":
                    Apply(memory, line);
                    break;
                case "expect":
                    Expect(bus, soc, directories[Name(line, "dom")], line, where);
                    break;
            }
        }

        Assert.True(reads > 0 || file.StartsWith("random_500", StringComparison.Ordinal));
    }

    /// <summary>A fresh unit of the same kind walks the tables: the recorded unit's own state must not change, as the recorded
    /// master made no accesses.</summary>
    private static void Expect(SystemBus bus, TegraSoc soc, ulong directory, JsonElement line, string where)
    {
        foreach (var (access, letter) in new[] { (DmaAccess.Read, 'r'), (DmaAccess.Write, 'w') })
        {
            var unit = new TegraHarness(new TegraSmmuOptions { Soc = soc }, bus);
            unit.Start();
            unit.SetDirectory(0, directory);
            var status = unit.Translate(Hex(line, "iova"), access, out var target);
            var isAllowed = line.TryGetProperty("prot", out var prot) && prot.GetString() != "none"
                && prot.GetString()!.Contains(letter, StringComparison.Ordinal);
            Assert.True(status == (isAllowed ? TranslationStatus.Ok : TranslationStatus.Aborted), $"{where}: {access} got {status}");
            Assert.True(!isAllowed || target == Hex(line, "pa"), $"{where}: got 0x{target:x}");
        }
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
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "../../vectors/tegra"));
}
