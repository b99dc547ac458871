using Aperture.Core;
using Aperture.Datasheets.Omap;
using Aperture.Hardware.Omap;
using Aperture.Hardware.Tests.Translation;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Omap;

/// <summary>Random register traffic, random tables, random accesses: nothing throws, and the same input gives the same output.</summary>
public class OmapFuzzTests
{
    private const int Operations = 1_000_000; // over all variants; each runs twice

    [Fact]
    public void Survives_anything_and_is_deterministic()
    {
        var seed = Environment.TickCount;
        OmapMmuOptions[] variants =
        [
            OmapMmuOptions.Omap3Isp,
            OmapMmuOptions.Omap4Ipu with { VictimOrder = OmapVictimOrder.InvalidFirst, MultiHit = OmapMultiHit.AtLookupAndLoad,
                UnknownRegisters = OmapUnknownRegisters.Storage },
            OmapMmuOptions.Dra7Dsp with { BypassSize = OmapBypassSize.PowerOfTwo, MsbUse = OmapMsbUse.WholeWalk,
                VictimOverflow = OmapVictimOverflow.NoEntry, TlbEntries = 5 },
            OmapMmuOptions.Dra7Ipu with { TableIndexing = OmapTableIndexing.Or, MultiHit = OmapMultiHit.Never,
                StatusReleasesTlbMiss = true },
        ];
        foreach (var options in variants)
        {
            var first = Run(options, seed);
            Assert.True(first.Counters is { Hits: > 0, Misses: > 0, Invalidations: > 0, Faults: > 0 },
                $"seed {seed}: {options} {first.Counters}");
            Assert.True(first == Run(options, seed), $"seed {seed}: {options} is not deterministic");
        }
    }

    private static (long Hash, TranslationCounters Counters) Run(OmapMmuOptions options, int seed)
    {
        using var rig = new OmapRig(options);
        var random = new Random(seed);
        var hash = 17L;
        void Mix(ulong value) => hash = (hash * 6364136223846793005) + (long)value + 1442695040888963407;
        rig.Mmu.Interrupt.Changed = asserted =>
        {
            Mix(asserted ? 1u : 0);
            if (asserted && random.Next(2) == 0)
                rig.Mmu.TryWrite(OmapRegisters.IrqStatus, 4, (uint)random.Next(32));
        };
        for (var i = 0; i < Operations / 4; i++)
        {
            var address = RandomAddress(random);
            switch (random.Next(16))
            {
                case < 5:
                    var offset = (uint)random.Next(0x44) * 4;
                    Mix(rig.Mmu.TryWrite(offset, random.Next(50) == 0 ? 2 : 4, RandomValue(random, offset)) ? 1u : 0);
                    break;
                case < 7:
                    Mix(rig.Mmu.TryRead((uint)random.Next(0x50) * 4, 4, out var value) ? value : 1);
                    break;
                case 7:
                    rig.Store(OmapRig.Ram + ((uint)random.Next(0x2400) * 4), RandomDescriptor(random));
                    break;
                case 8:
                    rig.Mmu.Poke((uint)random.Next(0x50) * 4, (uint)random.Next());
                    break;
                case 9:
                    rig.Enable(random.Next(4) != 0);
                    rig[OmapRegisters.IrqStatus] = 0x1F;
                    break;
                case 10 when random.Next(50) == 0:
                    rig.Mmu.SetEntry(random.Next(options.TlbEntries), (uint)random.Next(), (uint)random.Next());
                    break;
                default:
                    var request = Translations.RandomRequest(default, new Iova(address), random.Next(3), random.Next(8) == 0,
                        (ushort)random.Next(65536));
                    Mix((ulong)rig.Mmu.Translate(request, out var physical, out var contiguous));
                    Mix(physical.Value);
                    Mix(contiguous);
                    break;
            }
        }

        return (hash, rig.Mmu.Counters);
    }

    private static ulong RandomAddress(Random random) =>
        random.Next(100) == 0 ? (ulong)random.NextInt64() : ((uint)random.Next(8) << 20) | (uint)random.Next(1 << 20);

    private static uint RandomValue(Random random, uint offset) => offset switch
    {
        OmapRegisters.TableBase when random.Next(8) != 0 => OmapRig.L1 + ((uint)random.Next(4) << 7),
        OmapRegisters.Cam => (uint)RandomAddress(random) & 0xFFFFF000 | (uint)random.Next(16),
        OmapRegisters.SysConfig when random.Next(20) != 0 => 0,
        _ => (uint)random.Next() ^ ((uint)random.Next() << 1),
    };

    private static uint RandomDescriptor(Random random) => random.Next(3) switch
    {
        0 => (OmapRig.L2 + ((uint)random.Next(8) << 10)) | 1,
        1 => (uint)random.Next() << 1 | (uint)random.Next(4),
        _ => (OmapRig.Ram + ((uint)random.Next(1024) << 12)) | (uint)random.Next(4),
    };
}
