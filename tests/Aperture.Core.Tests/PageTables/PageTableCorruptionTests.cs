using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;
using Xunit.Abstractions;

namespace Aperture.Core.Tests.PageTables;

/// <summary>Tables that something wrote over: a status, never a crash or an endless loop.</summary>
public abstract class PageTableCorruptionTests<TFormat, TKind>(ITestOutputHelper output)
    where TFormat : struct, IPageTableFormat
    where TKind : TableKind<TFormat>, new()
{
    [Fact]
    public void Random_words_in_tables_do_no_harm()
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (var round = 0; round < 60; round++)
        {
            using var machine = new TestMachine(ramBytes: 1 << 20);
            var format = new TKind().NewFormat(machine);
            using var table = new PageTable<TFormat>(format, machine.Tables);
            var page = TablePages.Of(format);
            for (var i = 0; i < 400; i++)
            {
                if (random.Next(3) == 0)
                {
                    var place = machine.Ram.Start + ((ulong)random.Next(0, 0x20_000 / format.EntryBytes) * (ulong)format.EntryBytes);
                    BitConverter.GetBytes(RandomEntry(random, machine, format)).AsSpan(0, format.EntryBytes)
                        .CopyTo(machine.Memory.Span(place, format.EntryBytes));
                }

                int[] sizes = [1, 3, 16, 20, 256, 300, 4096];
                var size = (ulong)sizes[random.Next(sizes.Length)] * page;
                var iova = new Iova(format.InputStart + ((ulong)random.Next() << 1)).AlignDown(random.Next(2) == 0 ? page : 256 * page);
                var gather = new InvalidationGather();
                var status = random.Next(2) == 0
                    ? table.Map(iova, new PhysicalAddress(iova.Value % (1UL << 31)), size, Protection.ReadWrite, ref gather)
                    : table.Unmap(iova, size, ref gather, out _);
                Assert.Contains(status, new[] { Status.Ok, Status.AlreadyExists, Status.BadAddress, Status.NoMemory, Status.OutOfRange });
                table.TryTranslate(iova + 0x123, out _);
                table.FreeGathered(ref gather);
            }
        }
    }

    private static ulong RandomEntry(Random random, TestMachine machine, TFormat format) => random.Next(5) switch
    {
        0 => (ulong)random.NextInt64(),
        1 or 2 => format.MakeTable(random.Next(format.Levels - 1), machine.Ram.Start + ((ulong)random.Next(0, 0x200) << 10)),
        3 => format.MakeLeaf(format.Levels - 1, System.Numerics.BitOperations.TrailingZeroCount(format.PageSizes), machine.Ram.Start,
            Protection.ReadWrite),
        _ => (ulong)random.Next(0, 16),
    };
}

public sealed class OmapCorruptionTests(ITestOutputHelper output) : PageTableCorruptionTests<OmapFormat, OmapKind>(output);

public sealed class ExynosV1CorruptionTests(ITestOutputHelper output) : PageTableCorruptionTests<ExynosFormat, ExynosV1Kind>(output);

public sealed class ExynosV5CorruptionTests(ITestOutputHelper output) : PageTableCorruptionTests<ExynosFormat, ExynosV5Kind>(output);

public sealed class MediaTekCorruptionTests(ITestOutputHelper output) : PageTableCorruptionTests<ArmShortFormat, MediaTekKind>(output);

public sealed class Lpae4KCorruptionTests(ITestOutputHelper output) : PageTableCorruptionTests<ArmLpaeFormat, Lpae4KKind>(output);

public sealed class Lpae4KUpperDirtyCorruptionTests(ITestOutputHelper output) : PageTableCorruptionTests<ArmLpaeFormat,
    Lpae4KUpperDirtyKind>(output);

public sealed class LpaeContiguousCorruptionTests(ITestOutputHelper output) : PageTableCorruptionTests<ArmLpaeFormat,
    LpaeContiguousKind>(output);

public sealed class LpaeContiguousDirtyCorruptionTests(ITestOutputHelper output) : PageTableCorruptionTests<ArmLpaeFormat,
    LpaeContiguousDirtyKind>(output);

public sealed class Lpae64KCorruptionTests(ITestOutputHelper output) : PageTableCorruptionTests<ArmLpaeFormat, Lpae64KKind>(output);

public sealed class AmdCorruptionTests(ITestOutputHelper output) : PageTableCorruptionTests<AmdV1Format, AmdKind>(output);

public sealed class AmdGrowingCorruptionTests(ITestOutputHelper output) : PageTableCorruptionTests<AmdV1Format, AmdGrowingKind>(output);

public sealed class RockchipCorruptionTests(ITestOutputHelper output) : PageTableCorruptionTests<RockchipFormat, RockchipV2Kind>(output);
