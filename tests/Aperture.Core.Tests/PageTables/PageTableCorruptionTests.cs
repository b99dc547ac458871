using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;
using Xunit.Abstractions;

namespace Aperture.Core.Tests.PageTables;

/// <summary>Tables that something wrote over: a status, never a crash or an endless loop.</summary>
public abstract class PageTableCorruptionTests<TFormat, TKind>(ITestOutputHelper output)
    where TFormat : struct, IPageTableFormat
    where TKind : TableKind<TFormat>, new()
{
    private const ulong Page = 4096;

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
            for (var i = 0; i < 400; i++)
            {
                if (random.Next(3) == 0)
                    machine.Poke(new PhysicalAddress(machine.Ram.Start.Value + (ulong)random.Next(0, 0x8000) * 4), RandomEntry(random, machine));
                int[] sizes = [1, 3, 16, 20, 256, 300, 4096];
                var size = (ulong)sizes[random.Next(sizes.Length)] * Page;
                var iova = new Iova((ulong)random.Next() << 1).AlignDown(random.Next(2) == 0 ? Page : 256 * Page);
                var gather = new InvalidationGather();
                var status = random.Next(2) == 0
                    ? table.Map(iova, new PhysicalAddress(iova.Value), size, Protection.ReadWrite, ref gather)
                    : table.Unmap(iova, size, ref gather, out _);
                Assert.Contains(status, new[] { Status.Ok, Status.AlreadyExists, Status.BadAddress, Status.NoMemory, Status.OutOfRange });
                table.TryTranslate(iova + 0x123, out _);
                table.FreeGathered(ref gather);
            }
        }
    }

    [Fact]
    public void A_link_out_of_RAM_is_a_bad_address()
    {
        using var machine = new TestMachine();
        using var table = new PageTable<TFormat>(new TKind().NewFormat(machine), machine.Tables);
        var link = table.Format.MakeTable(0, new PhysicalAddress(0x1234_0000));
        machine.Poke(table.Root + (0x400UL * 4), (uint)link);
        machine.Poke(table.Root + (0x401UL * 4), (uint)table.Format.MakeTable(0, machine.Ram.Start + (32 << 20))); // RAM, but no table
        foreach (var iova in new[] { new Iova(0x4000_0000), new Iova(0x4010_0000) })
        {
            var gather = new InvalidationGather();
            Assert.Equal(Status.BadAddress, table.Map(iova, default, Page, Protection.ReadWrite, ref gather));
            Assert.False(table.TryTranslate(iova, out _));
            machine.Poke(machine.Ram.Start + (32 << 20), (uint)table.Format.MakeLeaf(1, 12, default, Protection.ReadWrite));
            Assert.Equal(Status.BadAddress, table.Unmap(iova, Page, ref gather, out var unmapped));
            Assert.Equal(0UL, unmapped);
            Assert.Equal(Status.BadAddress, table.Map(iova, default, 256 * Page, Protection.ReadWrite, ref gather));
        }
    }

    private static uint RandomEntry(Random random, TestMachine machine) => random.Next(4) switch
    {
        0 => (uint)random.NextInt64(0, 1L << 32),
        1 => (uint)(machine.Ram.Start.Value + ((ulong)random.Next(0, 0x200) << 10)) | 1,
        2 => (uint)((machine.Ram.Start.Value + ((ulong)random.Next(0, 0x200) << 10)) >> 4) | 1,
        _ => (uint)random.Next(0, 16),
    };
}

public sealed class OmapCorruptionTests(ITestOutputHelper output) : PageTableCorruptionTests<OmapFormat, OmapKind>(output);

public sealed class ExynosV1CorruptionTests(ITestOutputHelper output) : PageTableCorruptionTests<ExynosV1Format, ExynosV1Kind>(output);

public sealed class ExynosV5CorruptionTests(ITestOutputHelper output) : PageTableCorruptionTests<ExynosV5Format, ExynosV5Kind>(output);
