using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma.Memory;
using Aperture.Drivers.Nvme;
using Aperture.Hardware.Nvme;

namespace Aperture.Drivers.Tests.Nvme;

public sealed class NvmeTransferTests
{
    public static TheoryData<string, bool, NvmeTransfer> Ways
    {
        get
        {
            var data = new TheoryData<string, bool, NvmeTransfer>();
            foreach (var way in NvmeBench.Ways)
            {
                data.Add(way, false, NvmeTransfer.Prp);
                data.Add(way, true, NvmeTransfer.Sgl);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Random_requests_are_what_an_array_is(string way, bool isPolled, NvmeTransfer transfer)
    {
        const int Seed = 77; // printed with each failure
        using var bench = new NvmeBench(way, new NvmeDriverOptions
        {
            Queues = 2,
            Polling = isPolled,
            Transfer = transfer,
            QueueEntries = 5,
            BounceBuffers = 2,
            MaxTransfer = 16384,
            BounceBytes = 8192,
        });
        Assert.Equal(transfer == NvmeTransfer.Sgl, bench.Client.UsesSgl);
        var random = new Random(Seed);
        var memory = bench.Machine.Drivers.Memory;
        var block = memory.Allocate(256 << 10);
        foreach (var isLarge in new[] { false, true })
        {
            var disk = bench.Disk(isLarge);
            Assert.Equal((isLarge ? 4096 : 512, 4ul << 20), (disk.BlockBytes, disk.Bytes));
            var oracle = new byte[4 << 20];
            for (var i = 0; i < 120; i++)
            {
                var count = random.Next(1, (64 << 10) / disk.BlockBytes);
                var first = random.Next(0, (int)disk.Blocks - count);
                var bytes = count * disk.BlockBytes;
                var range = oracle.AsMemory(first * disk.BlockBytes, bytes);
                var isManaged = random.Next(3) == 0;
                var isSynchronous = random.Next(3) == 0;
                var start = random.Next(0, 3) switch { 0 => 0, 1 => random.Next(0, 1000) * 4, _ => random.Next(0, 4000) };
                var piece = block.Slice(start, bytes);
                var managed = new byte[bytes];
                switch (random.Next(5))
                {
                    case 0:
                    case 1:
                        random.NextBytes(range.Span);
                        range.CopyTo(managed);
                        range.Span.CopyTo(piece.Span);
                        if (isSynchronous && isManaged)
                            disk.Write((ulong)first, managed);
                        else if (isSynchronous)
                            disk.Write((ulong)first, piece);
                        else
                            await (isManaged ? disk.WriteAsync((ulong)first, managed) : disk.WriteAsync((ulong)first, piece));
                        break;
                    case 2:
                        range.CopyTo(managed);
                        managed[^1] ^= (byte)(i & 1);
                        Assert.Equal((i & 1) == 0, isSynchronous ? disk.Compare((ulong)first, managed)
                            : await disk.CompareAsync((ulong)first, managed));
                        break;
                    case 3:
                        range.Span.Clear();
                        if (isSynchronous)
                            disk.WriteZeroes((ulong)first, (ulong)count);
                        else
                            await disk.WriteZeroesAsync((ulong)first, (ulong)count);
                        await disk.FlushAsync();
                        break;
                    default:
                        if (isSynchronous && isManaged)
                            disk.Read((ulong)first, managed);
                        else if (isSynchronous)
                            disk.Read((ulong)first, piece);
                        else
                            await (isManaged ? disk.ReadAsync((ulong)first, managed) : disk.ReadAsync((ulong)first, piece));
                        Assert.True(range.Span.SequenceEqual(isManaged ? managed : piece.Span), $"seed {Seed}, request {i} on {way}");
                        break;
                }
            }

            Assert.Equal(oracle, bench.Content(isLarge));
        }

        Assert.Equal(isPolled, bench.Client.Interrupts == 0);
        Assert.Equal((0ul, 0L, 0L), (bench.Client.StrayCompletions, bench.Client.Resets, bench.Client.Replays));
        memory.Free(block);
        bench.AssertClean();
    }

    [Fact]
    public void What_identify_says_is_told()
    {
        using var bench = new NvmeBench("direct", model: new NvmeOptions { TransferPagesLog2 = 2, Queues = 3 });
        Assert.Equal("Aperture NVMe", bench.Client.Identity.Model);
        Assert.Equal("APERTURE0001", bench.Client.Identity.Serial);
        Assert.Equal(16384, bench.Client.MaxTransfer);
        Assert.Equal(2, bench.Client.Namespaces.Count);
        Assert.Equal(NvmeState.Live, bench.Client.State);
        var before = bench.Model.Commands;
        bench.Disk(false).Read(0, new byte[64 << 10]);
        Assert.Equal(4ul, bench.Model.Commands - before);
        bench.AssertClean();
    }

    [Fact]
    public void Queues_are_as_many_as_the_controller_grants()
    {
        using var bench = new NvmeBench("direct", new NvmeDriverOptions { Queues = 8 }, new NvmeOptions { Queues = 3, QueueEntries = 16 });
        Assert.Equal(3, bench.Client.Queues);
        bench.AssertClean();
    }

    [Fact]
    public void Bad_requests_are_refused_by_name()
    {
        using var bench = new NvmeBench("direct");
        var disk = bench.Disk(false);
        Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(() => disk.Read(0, new byte[511])).Status);
        Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(() => disk.Read(0, default(MemoryBlock))).Status);
        var failure = Assert.Throws<ApertureException>(() => disk.Read(8191, new byte[1024]));
        Assert.Equal(Status.OutOfRange, failure.Status);
        Assert.Contains("has 8192 blocks, not 2 from 8191 on", failure.Message, StringComparison.Ordinal);
        Assert.Equal(Status.OutOfRange, Assert.Throws<ApertureException>(() => disk.WriteZeroes(ulong.MaxValue, 2)).Status);
        bench.AssertClean();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_stream_is_the_bytes_of_the_namespace(bool isLarge)
    {
        using var bench = new NvmeBench("strict");
        var random = new Random(3);
        random.NextBytes((isLarge ? bench.Large : bench.Small).Content.Span);
        var oracle = bench.Content(isLarge);
        using var stream = bench.Disk(isLarge).OpenStream();
        Assert.Equal(oracle.Length, stream.Length);
        for (var i = 0; i < 60; i++)
        {
            var at = random.Next(0, oracle.Length - 20000);
            var bytes = new byte[random.Next(1, 20000)];
            stream.Position = at;
            if (random.Next(2) == 0)
            {
                random.NextBytes(bytes);
                bytes.CopyTo(oracle, at);
                if (random.Next(2) == 0)
                    stream.Write(bytes, 0, bytes.Length);
                else
                    await stream.WriteAsync(bytes);
            }
            else
            {
                Assert.Equal(bytes.Length, random.Next(2) == 0 ? stream.Read(bytes, 0, bytes.Length) : await stream.ReadAsync(bytes));
                Assert.True(oracle.AsSpan(at, bytes.Length).SequenceEqual(bytes));
            }

            Assert.Equal(at + bytes.Length, stream.Position);
        }

        await stream.FlushAsync();
        Assert.Equal(oracle, bench.Content(isLarge));
        stream.Seek(-4, SeekOrigin.End);
        Assert.Equal(4, stream.Read(new byte[100], 0, 100));
        Assert.Equal(0, stream.Read(new byte[100], 0, 100));
        Assert.Throws<IOException>(() => stream.Write(new byte[1], 0, 1));
        bench.AssertClean();
    }

    [Theory]
    [InlineData("direct", false)]
    [InlineData("strict", false)]
    [InlineData("deferred", true)]
    public void A_request_allocates_nothing(string way, bool isPolled)
    {
        using var bench = new NvmeBench(way, new NvmeDriverOptions { Polling = isPolled, Queues = 1 }, isWatched: false);
        var disk = bench.Disk(true);
        var block = bench.Machine.Drivers.Memory.Allocate(4096);
        var managed = new byte[4096];
        var least = long.MaxValue;
        for (var round = 0; round < 20; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 10; i++)
            {
                End(disk.ReadAsync((ulong)i, block));
                End(disk.WriteAsync((ulong)i, managed));
                disk.Read((ulong)i, managed);
                disk.Write((ulong)i, block);
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
        bench.Machine.Drivers.Memory.Free(block);
        bench.AssertClean();

        static void End(ValueTask task)
        {
            Assert.True(task.IsCompletedSuccessfully);
            task.GetAwaiter().GetResult();
        }
    }

    [Fact]
    public void Each_queue_has_a_vector_where_there_are_several()
    {
        using var bench = new NvmeBench("strict", new NvmeDriverOptions { Queues = 3 }, isBound: false);
        bench.Device.Interrupts.Clear();
        for (var i = 0; i < 3; i++)
            bench.Device.Interrupts.Add(new Interrupt($"vector {i}"));
        var raised = new int[3];
        bench.Model.Message = vector =>
        {
            raised[vector]++;
            bench.Device.Interrupts[vector].Raise();
        };
        bench.Bind();
        Assert.Equal(3, bench.Client.Queues);
        Assert.True(raised[0] > 0);
        for (var i = 0; i < 10; i++)
            bench.Disk(false).Read(0, new byte[512]);
        Assert.True(raised[1] + raised[2] >= 10);
        Assert.Equal(0, bench.Client.LostInterrupts);
        bench.AssertClean();
    }
}
