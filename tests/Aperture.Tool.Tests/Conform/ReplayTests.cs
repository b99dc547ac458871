using Aperture.Tool.Conform;

namespace Aperture.Tool.Tests.Conform;

/// <summary>Every recorded file replays without a divergence.</summary>
public class ReplayTests
{
    public static TheoryData<string> Files => VectorFolder.Files;

    [Theory]
    [MemberData(nameof(Files))]
    public void Models_reproduce_the_recording(string file)
    {
        var result = ConformRunner.Run(VectorFolder.Path(file));
        Assert.Null(result.Skipped);
        Assert.True(result.Model.First is null, $"line {result.Model.First?.Line}: expected {result.Model.First?.Expected}; got {result.Model.First?.Got}");
    }
}
