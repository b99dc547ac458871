using Xunit.Abstractions;

namespace Aperture.Tests.Dma.Sanitizer;

/// <summary>Drivers that do everything right: nothing is found, whatever they do.</summary>
public sealed class CorrectDriverTests(ITestOutputHelper output)
{
    private static readonly string[] s_paths =
    [
        "direct", "direct-offset", "direct-snooping-chaos", "direct-noncoherent-chaos", "iommu", "iommu-noncoherent-chaos",
            "iommu-deferred", "iommu-deferred-noncoherent-chaos",
        "direct-noncoherent-armv7-chaos", "direct-noncoherent-mips", "iommu-noncoherent-armv7", "iommu-noncoherent-mips-chaos",
        "bounce-noncoherent-armv7-chaos", "restricted-noncoherent-mips-chaos", "untrusted-noncoherent-armv7",
        "bounce", "bounce-noncoherent-chaos", "restricted-noncoherent", "untrusted", "untrusted-noncoherent-chaos",
    ];

    public static TheoryData<string> Paths => [.. s_paths];

    /// <summary>In all paths together more than 10,000, or so many in each.</summary>
    private static int Sequences => Environment.GetEnvironmentVariable("APERTURE_LONG") == "1" ? 10_000 : 800;

    [Theory]
    [MemberData(nameof(Paths))]
    public void Random_legal_calls_find_nothing(string path)
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        using var rig = DmaRig.Make(path, chaos: seed, isSanitized: true);
        var driver = new CorrectDriver(rig, random);
        for (var i = 0; i < Sequences; i++)
        {
            driver.Run();
            if ((i & 63) == 0)
            {
                rig.Unit.Invalidations.Clear();
                rig.Time.Advance(TimeSpan.FromMilliseconds(random.Next(12)));
            }
        }

        rig.Dma.Detach();
        rig.Sanitizer!.AssertClean();
        Assert.Equal(7, driver.Stories);
        Assert.True(driver.MovedBytes > Sequences * 100L, $"only {driver.MovedBytes} bytes moved");
        Assert.Equal((0, 0), (rig.Sanitizer.LiveMappings, rig.Sanitizer.UnwatchedContents));
        Assert.Equal(0, rig.Platform.BouncePool.UsedSlots);
    }
}
