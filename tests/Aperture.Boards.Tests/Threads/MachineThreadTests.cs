using System.Buffers.Binary;
using System.Collections.Concurrent;
using Aperture.Boards.Tests.Running;
using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Hardware.Tests.Threads;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Boards.Tests.Threads;

/// <summary>A whole machine with several threads: drivers that map, unmap and use memory again through the DMA API beside masters at work.
/// A long run by hand sets APERTURE_THREAD_ROUNDS.</summary>
public class MachineThreadTests
{
    private const int Page = 4096;

    /// <summary>A board for each kind of unit.</summary>
    private static readonly string[] s_boards =
    [
        "omap3-isp", "dra7-dsp", "exynos4412-media", "exynos5433-media", "exynos850-usb", "rk3399-media", "tegra124-media", "apq8064-media",
        "smmuv3-media",
    ];

    public static TheoryData<string, int, DomainType> All
    {
        get
        {
            var all = new TheoryData<string, int, DomainType>();
            foreach (var board in s_boards)
            {
                foreach (var threads in (int[])[2, 4])
                {
                    all.Add(board, threads, DomainType.Dma);
                    all.Add(board, threads, DomainType.DmaDeferred);
                }
            }

            return all;
        }
    }

    public static TheoryData<string, int> Strict
    {
        get
        {
            var all = new TheoryData<string, int>();
            foreach (var board in s_boards)
            {
                all.Add(board, 2);
                all.Add(board, 4);
            }

            return all;
        }
    }

    /// <summary>63 of 288,304 accesses to mapped pages were refused, and later up to three in a thousand came back stalled.</summary>
    [Theory]
    [MemberData(nameof(All))]
    public void Every_access_of_several_masters_to_what_their_drivers_have_mapped_arrives(string board, int threads, DomainType type)
    {
        using var machine = Machine.Boot(Runs.Own(board), new MachineOptions { DefaultDomain = type });
        var masters = MastersOf(machine);
        var holds = masters.Select(master => master.Device!.Power.Hold()).ToArray();
        var shared = new ConcurrentQueue<MemoryBlock>();
        for (var i = 0; i < threads + 1; i++)
            shared.Enqueue(machine.Drivers.Dma.Memory.Allocate(2 * Page));
        Together.Run([.. Enumerable.Range(0, threads).Select(i => (Action)(() => Work(masters[i % masters.Length], i, shared)))]);
        Assert.Equal((0UL, 0UL), (machine.Iommu.FaultCount, machine.Iommu.FailureCount));
        foreach (var hold in holds)
            hold.Dispose();
        foreach (var master in masters)
        {
            var dma = master.Device!.Dma;
            var space = master.Device.Iommu!.Domain!;
            using (dma.Allocate(Page))
            {
                // Coherent memory is flushed before it goes back, and all that waited with it.
            }

            Assert.False(space.IsQuarantining);
            Assert.Equal(0, dma.FlushStatistics.PendingBytes);
        }
    }

    /// <summary>48 of 90,310 times a master's bytes landed in memory that was unmapped, and used again, before.</summary>
    [Theory]
    [MemberData(nameof(Strict))]
    public void No_byte_of_a_master_lands_in_memory_that_its_driver_has_unmapped(string board, int threads)
    {
        using var machine = Machine.Boot(Runs.Own(board));
        var master = MastersOf(machine)[0];
        using var hold = master.Device!.Power.Hold();
        master.Device.Iommu!.Domain!.FaultHandler = (in FaultReport _) => FaultResponse.Retry; // so that a unit does not stall for good
        var dma = master.Device.Dma;
        var memory = machine.Drivers.Dma.Memory;
        using var neighbour = dma.Map(memory.Allocate(Page), DmaDirection.Bidirectional); // keeps tables where they are
        var block = memory.Allocate(Page);
        var (address, landed, tried, isOver) = (0UL, 0L, 0L, false);
        Together.Run([Software, .. Enumerable.Range(1, threads - 1).Select(i => (Action)(() => Device((byte)i)))]);
        Assert.NotEqual(0, landed);

        void Software()
        {
            try
            {
                for (var round = 0; round < (threads == 2 ? 60 : 20) * Together.Factor; round++)
                {
                    using (var mapping = dma.Map(block, DmaDirection.FromDevice))
                    {
                        Volatile.Write(ref address, mapping.Address.Value);
                        var before = Volatile.Read(ref landed);
                        Together.WaitFor(() => Volatile.Read(ref landed) != before, turns: round == 0 ? 1_000_000 : 64);
                    }

                    block.Span.Fill(0xAA); // somebody else's now
                    var seen = Volatile.Read(ref tried);
                    Together.WaitFor(() => Volatile.Read(ref tried) > seen + threads, turns: 31);
                    Assert.False(block.Span.ContainsAnyExcept((byte)0xAA), $"round {round}: bytes in memory that was unmapped before");
                }
            }
            finally
            {
                Volatile.Write(ref isOver, true);
            }
        }

        void Device(byte number)
        {
            var bytes = new byte[Page];
            bytes.AsSpan().Fill(number);
            while (!Volatile.Read(ref isOver))
            {
                if (master.Ports[0].Write(new Iova(Volatile.Read(ref address)), bytes, out _) == DmaStatus.Ok)
                    Interlocked.Increment(ref landed);
                Interlocked.Increment(ref tried);
            }
        }
    }

    private static BoardMaster[] MastersOf(Machine machine) =>
        [.. machine.Masters.Where(master => master.Device is { Bound: not null, Iommu: not null })];

    /// <summary>Memory goes from one driver to the next; each maps it, has its master write and read it, and lets it go.</summary>
    private static void Work(BoardMaster master, int thread, ConcurrentQueue<MemoryBlock> shared)
    {
        var dma = master.Device!.Dma;
        var bytes = new byte[Page + 512];
        using var stays = dma.Allocate(Page);
        for (var round = 1; round <= 40 * Together.Factor; round++)
        {
            Assert.True(shared.TryDequeue(out var block)); // there is one more than threads
            bytes.AsSpan().Fill((byte)(round + (thread << 5)));
            BinaryPrimitives.WriteInt32LittleEndian(bytes, round);
            foreach (var port in master.Ports)
            {
                using (var mapping = dma.Map(block, DmaDirection.FromDevice))
                    Assert.Equal(DmaStatus.Ok, port.Write(mapping.Address + 256, bytes, out _));
                Assert.True(block.Span.Slice(256, bytes.Length).SequenceEqual(bytes));
                using (var mapping = dma.Map(block, DmaDirection.ToDevice))
                {
                    var back = new byte[bytes.Length];
                    Assert.Equal(DmaStatus.Ok, port.Read(mapping.Address + 256, back, out _));
                    Assert.True(back.AsSpan().SequenceEqual(bytes));
                }

                Assert.Equal(DmaStatus.Ok, port.Write(stays.Address, bytes.AsSpan(0, 64), out _));
            }

            block.Span.Clear();
            shared.Enqueue(block);
        }
    }
}
