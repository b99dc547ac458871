using Aperture.Conformance.Vectors;

namespace Aperture.Conformance.Tests.Recorder;

/// <summary>Recordings of the MSM driver with other calls than the recorded ones replay as well: the recorded start, and from there on
/// tables by the oracle of short descriptors, which the recorded driver uses.</summary>
public class MadeMsmRecordingTests
{
    [Theory]
    [InlineData("basic")]
    [InlineData("mixed")]
    [InlineData("split", Rules.SectionKeepsAddress, Rules.HoleEndsUnmap)]
    [InlineData("over", Rules.OverlapRefused)]
    [InlineData("prot", Rules.SectionKeepsAddress)]
    [InlineData("random")]
    [InlineData("rough", Rules.OverlapRefused, Rules.HoleEndsUnmap)]
    public void A_made_recording_replays(string family, params string[] rules)
    {
        var result = Replays.Run(VectorFile.Parse(family, Record(family)));

        Assert.True(result.Model.First is null, $"{result.Model.First}");
        Assert.True(result.Driver.First is null, $"{result.Driver.First}");
        Assert.Superset(rules.ToHashSet(), result.Deviations.Select(deviation => deviation.Rule).ToHashSet());
        if (rules.Length == 0)
            Assert.All(result.Deviations, deviation => Assert.Equal(Rules.TableAddress, deviation.Rule));
    }

    private static List<string> Record(string family)
    {
        var start = File.ReadAllLines(VectorFolder.Path("msm/random_500.jsonl"))
            .TakeWhile(line => !line.Contains("\"call\":\"map\"", StringComparison.Ordinal)).ToList();
        var memory = new RecorderMemory(4, 0x8000_0000);
        var recorder = new LibraryRecorder(memory, new ShortOracle(memory, 32, 32, 0x111_1000, [], true));
        recorder.Allocate([]);
        memory.Lines.Clear(); // the driver's attach has it
        ulong[] pages = [1 << 12, 1 << 16, 1 << 20, 1 << 24];
        var scenarios = new LibraryScenarios(recorder, pages, 0x2000_0000, 0xA000_0000);
        scenarios.Run(family, 5, 60);

        foreach (var line in memory.Lines)
        {
            start.Add(line);
            if (line.Contains("\"call\":\"map\"", StringComparison.Ordinal) || line.Contains("\"call\":\"unmap", StringComparison.Ordinal))
                start.Add("""{"e":"omitted","reads":1,"writes":1,"ops":1}""");
        }

        return start;
    }
}
