using Aperture.Datasheets.Nvme;
using Aperture.Drivers.Nvme;

namespace Aperture.Drivers.Tests.Nvme;

/// <summary>A controller that works while the clock goes on, beside the CPU.</summary>
public sealed class NvmePacedTests
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMicroseconds(10);

    public static TheoryData<string, bool> Ways
    {
        get
        {
            var data = new TheoryData<string, bool>();
            foreach (var way in NvmeBench.Ways)
            {
                data.Add(way, false);
                data.Add(way, true);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void Many_requests_at_once_wait_for_their_turns_and_are_done_once(string way, bool isPolled)
    {
        const int Requests = 200;
        var options = new NvmeDriverOptions { Queues = 1, QueueEntries = 4, Polling = isPolled, MaxTransfer = 4096 };
        using var bench = new NvmeBench(way, options, pause: s_pause);
        var disk = bench.Disk(false);
        var random = new Random(9);
        var memory = bench.Machine.Drivers.Memory;
        var pieces = Enumerable.Range(0, Requests).Select(_ => memory.Allocate(8192)).ToArray();
        foreach (var piece in pieces)
            random.NextBytes(piece.Span);
        var before = bench.Model.Commands;
        var writes = pieces.Select((piece, i) => disk.WriteAsync((ulong)(16 * i), piece).AsTask()).ToArray();
        Assert.Contains(writes, task => !task.IsCompleted);
        PassUntil(bench, writes);
        Assert.All(writes, task => Assert.True(task.IsCompletedSuccessfully));
        Assert.Equal(2ul * Requests, bench.Model.Commands - before);
        var backs = pieces.Select(_ => memory.Allocate(8192)).ToArray();
        var reads = backs.Select((piece, i) => disk.ReadAsync((ulong)(16 * i), piece).AsTask()).ToArray();
        disk.Flush();
        PassUntil(bench, reads);
        for (var i = 0; i < Requests; i++)
            Assert.True(pieces[i].Span.SequenceEqual(backs[i].Span));
        var client = bench.Client;
        Assert.Equal((0L, 0L, 0L, 0ul), (client.Resets, client.Replays, client.LostInterrupts, client.StrayCompletions));
        foreach (var piece in pieces.Concat(backs))
            memory.Free(piece);
        bench.AssertClean();
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void Resets_errors_and_cancellations_in_the_middle_lose_nothing(string way, bool isPolled)
    {
        const int Seed = 21; // printed with each failure
        using var bench = new NvmeBench(way, new NvmeDriverOptions
        {
            Queues = 1,
            QueueEntries = 5,
            Polling = isPolled,
            MaxTransfer = 4096,
            Retries = 1000,
        }, pause: s_pause);
        var disk = bench.Disk(true);
        var random = new Random(Seed);
        bench.Model.Inject = (queue, _) => queue != 0 && random.Next(10) == 0 ? NvmeStatus.InternalError : null;
        for (var round = 0; round < 10; round++)
        {
            using var source = new CancellationTokenSource();
            var tasks = new List<(Task Task, int Block, byte[] Data)>();
            for (var i = 0; i < 16; i++)
            {
                var data = new byte[4 * 4096];
                random.NextBytes(data);
                tasks.Add((disk.WriteAsync((ulong)(16 * i), data, i % 5 == 0 ? source.Token : default).AsTask(), 16 * i, data));
            }

            bench.Machine.Clock.Advance(TimeSpan.FromMicroseconds(random.Next(200)));
            Assert.True(bench.Client.Reset());
            bench.Machine.Clock.Advance(TimeSpan.FromMicroseconds(random.Next(200)));
            source.Cancel();
            PassUntil(bench, [.. tasks.Select(task => task.Task)]);
            foreach (var (task, block, data) in tasks)
            {
                var back = new byte[data.Length];
                disk.Read((ulong)block, back);
                if (task.IsCompletedSuccessfully)
                    Assert.True(data.AsSpan().SequenceEqual(back), $"seed {Seed}, round {round}, block {block}");
                else
                    Assert.True(task.IsCanceled, $"seed {Seed}, round {round}, block {block}: {task.Exception}");
            }
        }

        Assert.Equal(10, bench.Client.Resets);
        Assert.True(bench.Client.Replays > 0);
        bench.AssertClean();
    }

    private static void PassUntil(NvmeBench bench, Task[] tasks)
    {
        for (var i = 0; i < 100_000 && !Array.TrueForAll(tasks, task => task.IsCompleted); i++)
            bench.Machine.Clock.Advance(TimeSpan.FromMicroseconds(100));
        Assert.All(tasks, task => Assert.True(task.IsCompleted));
    }
}
