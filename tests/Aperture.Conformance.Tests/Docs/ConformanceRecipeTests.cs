using System.Runtime.CompilerServices;
using Aperture.Conformance.Drivers;
using Aperture.Conformance.Models;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Conformance.Tests.Docs;

/// <summary>The examples of docs/conformance.md, which shows parts of this file as they are. What stands for "your driver" loses its TLB
/// invalidations, so that the replay has something to say.</summary>
public class ConformanceRecipeTests
{
    [Fact]
    public void A_driver_of_ones_own_is_replayed()
    {
        var path = VectorFolder.Path("exynos/basic_pagesizes_v5.jsonl");

        var replay = new VectorReplay([new YourSysMmu()]);
        foreach (var file in VectorReplay.Expand([path]))
        {
            var result = replay.Run(file);
            Console.WriteLine($"{file}: {result.Passed} passed, {result.Failed} failed, {result.Driver.First}");
        }

        var broken = replay.Run(path);
        Assert.True(broken.Driver.Failed > 0);
        Assert.Contains("stale", broken.Driver.First!.Got, StringComparison.Ordinal);
        Assert.Equal(0, broken.Model.Failed);
    }

    [Fact]
    public void Example_is_part_of_the_tests()
    {
        var page = Lines(File.ReadAllText(VectorFolder.Path("../../docs/conformance.md")));
        var here = Lines(File.ReadAllText(Here()));
        var examples = page.Split("```csharp\n").Skip(1).Select(part => part[..part.IndexOf("```", StringComparison.Ordinal)]).ToArray();
        Assert.NotEmpty(examples);
        Assert.All(
            examples.SelectMany(example => example.Split("\n\n")), part => Assert.Contains(part.Trim(), here, StringComparison.Ordinal));
    }

    /// <summary>The lines without their indentation.</summary>
    private static string Lines(string code) => string.Join('\n', code.ReplaceLineEndings("\n").Split('\n').Select(line => line.Trim()));

    private static string Here([CallerFilePath] string path = "") => path;

    private sealed class YourSysMmu : ExynosDriverFamily
    {
        public override IDriver CreateDriver(IommuCore core, Func<string, UnitFacts> facts) =>
            new YourDriver(base.CreateDriver(core, facts));
    }

    private sealed class YourDriver(IDriver driver) : IDriver
    {
        public string Name => "yours";

        public IReadOnlyList<string> Compatible => driver.Compatible;

        public IBoundDriver Probe(Device device)
        {
            device.Registers[0] = new LossyRegisters(device.Registers[0], 0x14); // the register that invalidates one page
            return driver.Probe(device);
        }
    }
}
