using System.Runtime.InteropServices;
using Aperture.Core;
using Aperture.Hardware.Exynos;
using Aperture.Hardware.Tests.Translation;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Exynos;

/// <summary>Whatever software writes and whatever the tables hold, the model neither throws nor depends on anything but its
/// input.</summary>
public class SysMmuFuzzTests
{
    private const int Steps = 20_000;

    public static TheoryData<string> AllVersions => [.. SysMmuHarness.Versions.Select(version => version.Name)];

    [Theory]
    [MemberData(nameof(AllVersions))]
    public void Random_registers_and_tables_never_throw_and_repeat_exactly(string version)
    {
        var seed = Random.Shared.Next();
        var options = SysMmuHarness.Version(version);
        foreach (var variant in new[]
        {
            options,
            options with { CachesFaultingPages = true, FaultSetsBlockBit = false, Stall = SysMmuStall.ControlBit, L2TlbEntries = 8,
                L2TlbConfigReset = 1, TlbWays = 3, VidOfStream = [0, 1, 2, 3, 4, 5, 6, 7] },
        })
        {
            var first = Run(variant, seed);
            Assert.True(first.Counters is { Hits: > 0, Misses: > 0, Invalidations: > 0, Faults: > 0 }, $"seed {seed}: {first.Counters}");
            Assert.True(first == Run(variant, seed), $"{version} is not deterministic, seed {seed}");
        }
    }

    private static (long Hash, TranslationCounters Counters) Run(SysMmuOptions options, int seed)
    {
        var random = new Random(seed);
        using var sysMmu = new SysMmuHarness(options);
        random.NextBytes(MemoryMarshal.AsBytes(sysMmu.Bus.Memory.Span(new PhysicalAddress(SysMmuHarness.Ram), (int)SysMmuHarness.RamSize)));
        var size = sysMmu.Unit.Size;
        var hash = 17L;
        try
        {
            sysMmu.Unit.Interrupt.Changed = asserted =>
            {
                if (asserted && random.Next(2) == 0)
                    sysMmu.Unit.TryWrite(0, 4, 5);
            };
            for (var i = 0; i < Steps; i++)
                hash = (hash * 31) + Step(sysMmu, random, size);
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"seed {seed}", exception);
        }

        return (hash, sysMmu.Unit.Counters);
    }

    private static long Step(SysMmuHarness sysMmu, Random random, uint size)
    {
        var offset = (uint)random.NextInt64(size + 8);
        if (random.Next(3) != 0)
            offset &= 0x3FC;
        switch (random.Next(12))
        {
            case 0:
                return sysMmu.Unit.TryWrite(offset, 1 << random.Next(4), (ulong)random.NextInt64()) ? 1 : 0;
            case 1:
                return sysMmu.Unit.TryRead(offset & ~3u, 4, out var value) ? (long)value : -1;
            case 2:
                if (offset / 4 < size / 4)
                    sysMmu.Unit.Poke(offset & ~3u, (uint)random.NextInt64());
                return 0;
            case 3:
                sysMmu.Enable(SysMmuHarness.Ram + ((ulong)random.Next(0x300) << 12));
                return 0;
            case 4 when random.Next(50) == 0:
                sysMmu.Unit.SetReset(true);
                sysMmu.Unit.SetReset(false);
                return 0;
            default:
                var near = random.Next(4) switch { 0 => 0xFFFFFu, 1 => uint.MaxValue, _ => 0xFFFFu }; // few pages: met again
                var request = Translations.RandomRequest(
                    new StreamId((uint)random.Next(10)), new Iova((ulong)random.NextInt64() & near), random.Next(3), false,
                        (ushort)random.Next());
                var status = sysMmu.Unit.Translate(request, out var address, out var contiguous);
                return (long)(address.Value ^ contiguous) + (int)status;
        }
    }
}
