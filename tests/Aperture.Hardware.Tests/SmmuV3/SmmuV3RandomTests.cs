using Aperture.Datasheets.SmmuV3;
using Aperture.Hardware.SmmuV3;
using Aperture.Hardware.Translation;
using Xunit.Abstractions;

namespace Aperture.Hardware.Tests.SmmuV3;

/// <summary>Random use against tables read by other code, and random words where entries and commands should be. More rounds by
/// <c>APERTURE_SMMU_ROUNDS</c>; ten million were run by hand.</summary>
public sealed class SmmuV3RandomTests(ITestOutputHelper output)
{
    private const int Streams = 6;
    private const ulong Window = 0x4000_0000;
    private const int Pages = 96;

    private static int Rounds(int usual) =>
        int.TryParse(Environment.GetEnvironmentVariable("APERTURE_SMMU_ROUNDS"), out var rounds) ? rounds : usual;

    [Fact]
    public void Accesses_agree_with_the_tables_after_every_kind_of_invalidation()
    {
        using var rig = new SmmuV3Rig(new SmmuV3Options { TlbEntries = 32, Configurations = 4 });
        var random = NewRandom();
        // Four streams of stage 1, of which two share an address space and one lies in another machine; two of stage 2 that share one.
        var roots = new ulong[Streams];
        for (uint stream = 0; stream < 4; stream++)
        {
            var (root, descriptor) = stream == 1 ? (roots[0], rig.Take(64)) : (rig.Take(4096), rig.Take(64));
            roots[stream] = root;
            rig.SetWords(descriptor, SmmuV3Rig.Context(root, asid: stream <= 1 ? 1 : stream).Words);
            var entry = SmmuV3Rig.Stage1(descriptor);
            entry.Vmid = stream == 3 ? 7u : 0;
            rig.Set(stream, entry);
        }

        roots[4] = roots[5] = rig.Take(8192);
        rig.Set(4, SmmuV3Rig.Stage2(roots[4], vmid: 9));
        rig.Set(5, SmmuV3Rig.Stage2(roots[5], vmid: 9));
        foreach (var root in roots.Distinct())
            Prepare(rig, root, root == roots[4]);

        var rounds = Rounds(60_000);
        for (var round = 0; round < rounds; round++)
        {
            var stream = (uint)random.Next(Streams);
            var page = Window + ((ulong)random.Next(Pages) << 12);
            if (random.Next(3) == 0)
            {
                Change(rig, random, roots[stream], stream >= 4, page);
                Invalidate(rig, random, stream, page);
            }

            var isWrite = random.Next(2) == 0;
            var iova = page + (ulong)random.Next(4096);
            var expected = Oracle(rig, roots[stream], stream >= 4, iova, isWrite);
            var result = rig.Ask(stream, iova, isWrite ? DmaAccess.Write : DmaAccess.Read);
            var got = result.Status == TranslationStatus.Ok ? result.Address.Value : 0;
            if (got != expected)
                Assert.Fail($"round {round}: stream {stream} at 0x{iova:x}: 0x{got:x} instead of 0x{expected:x}");
            if (expected == 0)
                Assert.True(rig.Event().IsTranslationFault);
        }

        Assert.True(rig.Unit.Counters is { Hits: > 0, Misses: > 0, Invalidations: > 0, Faults: > 0 });
    }

    [Fact]
    public void Random_entries_and_descriptors_end_in_an_event_or_lead_somewhere()
    {
        using var rig = new SmmuV3Rig(SmmuV3Options.Mmu700);
        var random = NewRandom();
        var at = rig.Take(4096);
        var seen = new HashSet<SmmuV3EventId>();
        var rounds = Rounds(20_000);
        for (var round = 0; round < rounds; round++)
        {
            var descriptor = Mutated(random, SmmuV3Rig.Context(rig.StreamTable).Words);
            rig.SetWords(at, descriptor);
            var entry = random.Next(3) switch
            {
                0 => SmmuV3Rig.Stage1(at),
                1 => SmmuV3Rig.Stage2(rig.StreamTable),
                _ => SmmuV3Rig.Stage2(rig.StreamTable) with { Config = SmmuV3StreamConfig.Nested, Contexts = at },
            };
            entry.Words = Mutated(random, entry.Words);
            rig.Set(3, entry);
            rig.Do(SmmuV3Command.DropStream(3), SmmuV3Command.Tlb(SmmuV3Opcode.TlbNonSecureAll));
            var result = rig.Ask(3, (ulong)random.NextInt64() >> random.Next(64), (DmaAccess)random.Next(2),
                random.Next(4) == 0 ? (uint)random.Next(1 << 17) : null, (AccessFlags)random.Next(4), (TranslationKind)random.Next(3));
            var events = rig.Events();
            seen.UnionWith(events.Select(told => told.Id));
            Assert.True(events.Length <= 1, "one access tells of one event at most");
            Assert.All(events, told => Assert.True(Enum.IsDefined(told.Id) && told.Stream == 3, told.ToString()));
            if (result.Status == TranslationStatus.Ok)
                Assert.Empty(events);
            if (result.Status == TranslationStatus.Stalled)
                rig.Do(new SmmuV3Command((3UL << 32) | (byte)SmmuV3Opcode.TerminateStalled, 0));
        }

        Assert.True(seen.Count >= 7, string.Join(", ", seen));
        Assert.Equal(0u, rig.Read(SmmuV3Register.GlobalError));
    }

    [Fact]
    public void Random_commands_are_done_or_stop_the_queue_at_themselves()
    {
        using var rig = new SmmuV3Rig();
        var random = NewRandom();
        var (root, _) = rig.Attach(3);
        rig.Map(root, Window, 0x9000_0000, SmmuV3Rig.Writable);
        var isAcknowledged = 0u;
        var stops = 0;
        var rounds = Rounds(20_000);
        for (var round = 0; round < rounds; round++)
        {
            var opcode = random.Next(4) == 0 ? (ulong)random.Next(256) : (ulong)Enum.GetValues<SmmuV3Opcode>()[random.Next(21)];
            var command = new SmmuV3Command((ulong)random.NextInt64() << 8 | opcode, (ulong)random.NextInt64());
            var before = rig.Read(SmmuV3Register.CommandQueueConsumer) & 0x1F;
            if (command.Opcode == SmmuV3Opcode.Sync && command.Completion == 1)
                continue; // its message would go anywhere
            rig.Do(command);
            var consumer = rig.Read(SmmuV3Register.CommandQueueConsumer);
            var error = rig.Read(SmmuV3Register.GlobalError) ^ isAcknowledged;
            if (error == 0)
            {
                Assert.Equal(rig.Read(SmmuV3Register.CommandQueueProducer), consumer & 0x1F);
                continue;
            }

            stops++;
            Assert.Equal((1u, before, (uint)SmmuV3CommandError.Illegal), (error, consumer & 0x1F, consumer >> 24));
            rig.SetWord(rig.CommandQueue + ((before & 0xF) * 16ul), (byte)SmmuV3Opcode.Sync);
            isAcknowledged ^= 1;
            rig.Write(SmmuV3Register.GlobalErrorAck, isAcknowledged);
            Assert.Equal(rig.Read(SmmuV3Register.CommandQueueProducer), rig.Read(SmmuV3Register.CommandQueueConsumer) & 0x1F);
        }

        Assert.True(stops > 0 && stops < rounds);
        Assert.Equal(0x9000_0000ul, rig.Reaches(3, Window));
    }

    private Random NewRandom()
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        return new Random(seed);
    }

    private static SmmuV3Words Mutated(Random random, SmmuV3Words words)
    {
        for (var change = random.Next(4); change > 0; change--)
            words[random.Next(4)] ^= 1UL << random.Next(64);
        return words;
    }

    /// <summary>Makes the tables that the pages lie in, so that only leaves change later.</summary>
    private static void Prepare(SmmuV3Rig rig, ulong root, bool isSecond)
    {
        rig.Map(root, Window, 0x9000_0000, isSecond ? SmmuV3Rig.Stage2Writable : SmmuV3Rig.Writable, startLevel: isSecond ? 1 : 0);
        rig.SetWord(Leaf(rig, root, isSecond, Window), 0);
    }

    private static ulong Leaf(SmmuV3Rig rig, ulong root, bool isSecond, ulong iova)
    {
        var table = root;
        for (var level = isSecond ? 1 : 0; level < 3; level++)
            table = rig.Word(table + ((iova >> (39 - (9 * level)) & 0x1FF) * 8)) & 0x0000_FFFF_FFFF_F000;
        return table + ((iova >> 12 & 0x1FF) * 8);
    }

    private static void Change(SmmuV3Rig rig, Random random, ulong root, bool isSecond, ulong page)
    {
        var target = 0x9000_0000ul + ((ulong)random.Next(1 << 16) << 12);
        var bits = isSecond
            ? random.Next(3) switch { 0 => SmmuV3Rig.Stage2Writable, 1 => SmmuV3Rig.Stage2Writable & ~0x80ul, _ => 0ul }
            : random.Next(3) switch { 0 => SmmuV3Rig.Writable, 1 => SmmuV3Rig.ReadOnly, _ => 0ul };
        rig.SetWord(Leaf(rig, root, isSecond, page), bits == 0 ? 0 : target | bits);
    }

    /// <summary>Any command that covers a page of a stream.</summary>
    private static void Invalidate(SmmuV3Rig rig, Random random, uint stream, ulong page)
    {
        var (vmid, asid) = stream switch { 0 or 1 => (0u, 1u), 2 => (0u, 2u), 3 => (7u, 3u), _ => (9u, 0u) };
        var isLeaf = random.Next(2) == 0;
        var number = random.Next(1, 33);
        var scale = random.Next(3);
        var first = page - ((ulong)random.Next(number << scale) << 12);
        var granule = (uint)random.Next(2);
        SmmuV3Command Range(SmmuV3Opcode opcode) => granule == 0 ? SmmuV3Command.TlbPage(opcode, vmid, asid, page, isLeaf)
            : SmmuV3Command.TlbRange(opcode, vmid, asid, first, isLeaf, 1, isLeaf ? 3u : 0, number, scale);
        var command = stream >= 4
            ? random.Next(3) switch
            {
                0 => SmmuV3Command.Tlb(SmmuV3Opcode.TlbNonSecureAll),
                1 => SmmuV3Command.Tlb(SmmuV3Opcode.TlbVirtualMachine, vmid),
                _ => Range(SmmuV3Opcode.TlbIntermediate),
            }
            : random.Next(6) switch
            {
                0 => SmmuV3Command.Tlb(SmmuV3Opcode.TlbNonSecureAll),
                1 => SmmuV3Command.Tlb(SmmuV3Opcode.TlbAll, vmid),
                2 => SmmuV3Command.Tlb(SmmuV3Opcode.TlbAsid, vmid, asid),
                3 => Range(SmmuV3Opcode.TlbAddressOfAll),
                4 => SmmuV3Command.Tlb(SmmuV3Opcode.TlbVirtualMachine, vmid),
                _ => Range(SmmuV3Opcode.TlbAddress),
            };
        rig.Do(command, SmmuV3Command.Synchronise());
    }

    /// <summary>Where the tables lead; 0 for nowhere.</summary>
    private static ulong Oracle(SmmuV3Rig rig, ulong root, bool isSecond, ulong iova, bool isWrite)
    {
        var leaf = rig.Word(Leaf(rig, root, isSecond, iova));
        if ((leaf & 3) != 3)
            return 0;
        var mayWrite = isSecond ? (leaf & 0x80) != 0 : (leaf & 0x80) == 0;
        return isWrite && !mayWrite ? 0 : (leaf & 0x0000_FFFF_FFFF_F000) | (iova & 0xFFF);
    }
}
