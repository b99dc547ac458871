using Aperture.Conformance.Vectors;

namespace Aperture.Conformance.Tests.Recorder;

/// <summary>The oracles do what the recorded libraries did, to the bit: what they make of other settings is as good as recorded.</summary>
public class OracleTests
{
    public static TheoryData<string> Files => VectorFolder.TableFiles;

    [Theory]
    [MemberData(nameof(Files))]
    public void An_oracle_makes_what_was_recorded(string file)
    {
        var vectors = VectorFile.Load(VectorFolder.Path(file));
        var memory = new RecorderMemory(vectors.Driver == "v7s" ? 4 : 8, vectors.RamBase);
        using var recorded = new RecordedMemory(vectors);
        TableOracle? oracle = null;
        LibraryRecorder? recorder = null;
        var compared = 0; // tables
        for (var i = 1; i < vectors.Events.Count; i++)
        {
            var line = vectors.Events[i];
            if (line.Kind == "poke")
            {
                recorded.Poke(line);
                memory[line.Hex("pa")] = line.Hex("val");
            }

            if (line.Kind != "api" || (line.Call == "alloc_pgtable" && line.Has("ok") && !line.Flag("ok")))
                continue;
            var effects = vectors.Events.Skip(i + 1).TakeWhile(effect => effect.Kind != "api").ToList();
            Apply(recorded, effects);
            var before = memory.Lines.Count;
            switch (line.Call)
            {
                case "alloc_pgtable":
                    oracle = Create(
                        line, new RecorderMemory(memory, effects.First(effect => effect.Kind == "alloc").Hex("pa")), out memory);
                    recorder = new LibraryRecorder(memory, oracle);
                    recorder.Allocate([]);
                    before = 0;
                    break;
                case "domain_free":
                    recorder!.Free();
                    break;
                case "map":
                    recorder!.Map(line.Hex("iova"), line.Hex("pa"), (ulong)line.Number("size"), line.Text("prot"));
                    break;
                case "unmap":
                    recorder!.Unmap(line.Hex("iova"), (ulong)line.Number("size"));
                    break;
                case "map_pages":
                    recorder!.MapPages(
                        line.Hex("iova"), line.Hex("pa"), (ulong)line.Number("pgsize"), (int)line.Number("pgcount"), line.Text("prot"));
                    break;
                case "unmap_pages":
                    recorder!.UnmapPages(line.Hex("iova"), (ulong)line.Number("pgsize"), (int)line.Number("pgcount"));
                    break;
                case "iova_to_phys":
                    Assert.Equal(line.Hex("ret"), oracle!.Find(line.Hex("iova"))?.Address ?? 0);
                    continue;
                case "read_and_clear_dirty":
                    foreach (var (address, word) in Words(recorded, memory.WordBytes))
                        memory[address] = word;
                    continue;
            }

            var made = VectorFile.Parse("made", ["""{"e":"meta","driver":"made"}""", memory.Lines[before]]).Events[1];
            foreach (var member in new[] { "ret", "mapped" }.Where(made.Has))
                Assert.True(
                    line.Number(member) == made.Number(member),
                    $"line {line.Line}: {member} {line.Number(member)}, not {made.Number(member)}");
            foreach (var member in new[] { "ttbr", "vttbr", "transtab", "mair", "memattr", "root" }.Where(line.Has))
                Assert.Equal((line.Line, member, line.Hex(member)), (line.Line, member, made.Hex(member)));
            compared += recorded.Blocks.Count;
            Assert.True(recorded.Blocks.SequenceEqual(memory.Blocks.OrderBy(block => block.Key)), $"line {line.Line}: other tables");
            var words = memory.Words();
            var expected = Words(recorded, memory.WordBytes).ToDictionary();
            var differs = expected.Keys.Union(words.Keys).Order()
                .FirstOrDefault(address => expected.GetValueOrDefault(address) != words.GetValueOrDefault(address));
            Assert.True(
                differs == 0,
                $"line {line.Line}: 0x{expected.GetValueOrDefault(differs):x} at 0x{differs:x}, not "
                    + $"0x{words.GetValueOrDefault(differs):x}");
        }

        Assert.NotEqual(0, compared);
    }

    private static TableOracle Create(VectorEvent line, RecorderMemory fresh, out RecorderMemory memory)
    {
        memory = fresh;
        return line.Text("fmt") switch
        {
            "amd-v1" => new AmdOracle(fresh, line.Count("levels")),
            "arm-v7s" => new ShortOracle(
                fresh, line.Count("ias"), line.Count("oas"), line.Hex("pgsizes"), [.. line.Texts("quirks")], line.Flag("coherent")),
            var format => new LpaeOracle(
                fresh, format, line.Count("ias"), line.Count("oas"), line.Hex("pgsizes"), [.. line.Texts("quirks")], line.Flag("coherent")),
        };
    }

    private static void Apply(RecordedMemory recorded, List<VectorEvent> effects)
    {
        foreach (var effect in effects)
        {
            switch (effect.Kind)
            {
                case "alloc":
                    recorded.Allocate(effect);
                    break;
                case "free":
                    recorded.Free(effect);
                    break;
                case "mem":
                    recorded.Apply(effect);
                    break;
            }
        }
    }

    private static IEnumerable<(ulong, ulong)> Words(RecordedMemory recorded, int bytes) =>
        from block in recorded.Blocks.OrderBy(block => block.Key)
        from at in Enumerable.Range(0, block.Value / bytes)
        let address = block.Key + (ulong)(at * bytes)
        where recorded.Word(address, bytes) != 0
        select (address, recorded.Word(address, bytes));
}
