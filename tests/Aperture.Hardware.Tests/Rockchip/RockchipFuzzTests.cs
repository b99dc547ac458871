using Aperture.Datasheets.Rockchip;
using Aperture.Hardware.Rockchip;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Rockchip;

/// <summary>Whatever software writes and whatever the tables hold, the model neither throws nor depends on anything but its
/// input.</summary>
public sealed class RockchipFuzzTests
{
    private const int Steps = 20_000;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Random_registers_and_tables_never_throw_and_repeat_exactly(bool isWide)
    {
        var seed = Random.Shared.Next();
        var options = new RockchipIommuOptions { IsWide = isWide, Mmus = 2, StallDelayPolls = 2, Lines = 2, TlbEntries = 5 };
        var first = Run(options, seed);
        Assert.True(first.Counters is { Hits: > 0, Misses: > 0, Invalidations: > 0, Faults: > 0 }, $"seed {seed}: {first.Counters}");
        Assert.True(first == Run(options, seed), $"not deterministic, seed {seed}");
    }

    private static (long Hash, TranslationCounters Counters) Run(RockchipIommuOptions options, int seed)
    {
        var random = new Random(seed);
        using var rig = new RockchipRig(options);
        for (var i = 0; i < 4096; i++)
            rig.SetWord(rig.Base + ((ulong)random.Next(RockchipRig.RamBytes / 4) * 4), (uint)random.NextInt64());
        var hash = 17L;
        try
        {
            for (var i = 0; i < Steps; i++)
                hash = (hash * 31) + Step(rig, random);
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"seed {seed}", exception);
        }

        return (hash, rig.Unit.Counters);
    }

    private static long Step(RockchipRig rig, Random random)
    {
        var mmu = rig.Unit.Mmus[random.Next(2)];
        var offset = (uint)random.Next(12) * 4;
        switch (random.Next(10))
        {
            case 0:
                return mmu.TryWrite(offset, 1 << random.Next(4), (ulong)random.NextInt64()) ? 1 : 0;
            case 1:
                return mmu.TryRead(offset, 4, out var value) ? (long)value : -1;
            case 2:
                // Often on again after a fault, so that other accesses come to it.
                var command = random.Next(2) == 0 ? (ulong)RockchipMmuCommand.PageFaultDone : (ulong)random.Next(8);
                mmu.TryWrite(RockchipMmuRegister.Command, 4, command);
                return 0;
            case 3:
                rig.Start(random.Next(2));
                return 0;
            case 4:
                rig.Map(Page(random), rig.Base + ((ulong)random.Next(64) << 12), (uint)random.Next(8) & 6);
                return 0;
            case 5 when random.Next(50) == 0:
                rig.Unit.SetPower(false);
                rig.Unit.SetPower(true);
                return 0;
            default:
                var iova = Page(random) | (uint)random.Next(4096);
                var access = random.Next(3) == 1 ? DmaAccess.Write : DmaAccess.Read;
                var status = rig.Translate(iova, out var address, access, (uint)random.Next(3));
                return ((long)status << 60) ^ (long)address;
        }
    }

    /// <summary>A page anywhere, or one of a few, so that some are met again.</summary>
    private static uint Page(Random random) => (random.Next(3) == 0 ? (uint)random.NextInt64() : (uint)random.Next(16) << 12) & 0x0FFF_F000;
}
