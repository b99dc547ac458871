using Aperture.Core;
using Aperture.Datasheets.Nvme;
using Aperture.Drivers.Nvme;
using Aperture.Hardware.Translation;

namespace Aperture.Drivers.Tests.Nvme;

/// <summary>One error at each access of the controller to memory (queue entries, lists, data), and at each command: whatever was told as
/// written is there, was written once after it was told, and the next requests work.</summary>
public sealed class NvmeFaultTests
{
    private const int Bytes = 24 << 10; // a list of PRPs
    private const int Requests = 6;
    private const int MostPoints = 1000;

    public static TheoryData<string, NvmeTransfer> Ways => new()
    {
        { "strict", NvmeTransfer.Prp },
        { "strict", NvmeTransfer.Sgl },
        { "deferred", NvmeTransfer.Prp },
        { "direct", NvmeTransfer.Prp },
        { "strict-noncoherent", NvmeTransfer.Prp },
    };

    [Theory]
    [MemberData(nameof(Ways))]
    public void A_failed_access_loses_and_repeats_no_write(string way, NvmeTransfer transfer)
    {
        var points = 0;
        for (var isOver = false; !isOver; points++)
        {
            Assert.True(points < MostPoints, $"{way}: the workload does not end");
            var (left, hasFailed) = (points, false);
            isOver = !Run(way, transfer, $"{way}, access {points}", bench => bench.Model.InjectAccess = (_, _, _) =>
            {
                hasFailed |= left == 0;
                return left-- == 0 ? DmaStatus.BusError : null;
            }, () => hasFailed);
        }

        Assert.True(points > 5 * Requests, $"{way}: {points} accesses are too few");
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void A_failed_command_loses_and_repeats_no_write(string way, NvmeTransfer transfer)
    {
        foreach (var status in new[] { NvmeStatus.InternalError, NvmeStatus.DataTransferError, NvmeStatus.InvalidField,
            NvmeStatus.AbortRequested })
        {
            var points = 0;
            for (var isOver = false; !isOver; points++)
            {
                Assert.True(points < MostPoints, $"{way}: the workload does not end");
                var (left, hasFailed) = (points, false);
                isOver = !Run(way, transfer, $"{way}, command {points}, {status}", null, () => hasFailed, _ =>
                {
                    hasFailed |= left == 0;
                    return left-- == 0 ? status : null;
                });
            }

            Assert.True(points >= Requests, $"{way}: {points} commands are too few");
        }
    }

    /// <summary>Writes and reads with one error among them.</summary>
    /// <returns>Whether the error came.</returns>
    private static bool Run(string way, NvmeTransfer transfer, string what, Action<NvmeBench>? arm, Func<bool> hasFailed,
        Func<NvmeCommand, NvmeStatus?>? inject = null)
    {
        using var bench = new NvmeBench(
            way, new NvmeDriverOptions { Queues = 1, QueueEntries = 4, Timeout = TimeSpan.FromSeconds(1), Transfer = transfer },
            isWatched: false);
        var disk = bench.Disk(true);
        var told = new HashSet<ulong>(); // blocks of writes that were told as done
        var repeated = new List<ulong>();
        bench.Model.Inject = (queue, command) =>
        {
            if (queue > 0 && (NvmeOpcode)command.Opcode == NvmeOpcode.Write && told.Contains(command.FirstBlock))
                repeated.Add(command.FirstBlock);
            return queue > 0 ? inject?.Invoke(command) : null;
        };
        arm?.Invoke(bench);
        var random = new Random(17);
        var oracle = new byte[Requests * Bytes];
        var memory = bench.Machine.Drivers.Memory.Allocate(Bytes);
        var unknown = new HashSet<int>(); // requests whose write was told as failed
        for (var request = 0; request < Requests; request++)
        {
            var first = (ulong)(request * Bytes / disk.BlockBytes);
            var range = oracle.AsSpan(request * Bytes, Bytes);
            random.NextBytes(range);
            range.CopyTo(memory.Span);
            if (TryDo(() => disk.Write(first, memory)))
                told.Add(first);
            else
                unknown.Add(request);
            var seen = random.Next(request + 1); // any of those before
            memory.Span.Clear();
            if (TryDo(() => disk.Read((ulong)(seen * Bytes / disk.BlockBytes), memory)) && !unknown.Contains(seen))
                Assert.True(memory.Span.SequenceEqual(oracle.AsSpan(seen * Bytes, Bytes)), $"{what}: write {seen} is read otherwise");
        }

        // The one error cost one request at most, and the driver is at work.
        Assert.True(unknown.Count <= 1, $"{what}: {unknown.Count} writes failed");
        Assert.True(repeated.Count == 0, $"{what}: block {string.Join(", ", repeated)} was written again after it was told");
        Assert.Equal(NvmeState.Live, bench.Client.State);
        (bench.Model.Inject, bench.Model.InjectAccess) = (null, null);
        var content = bench.Content(true);
        for (var request = 0; request < Requests; request++)
        {
            var held = content.AsSpan(request * Bytes, Bytes);
            var isThere = held.SequenceEqual(oracle.AsSpan(request * Bytes, Bytes));
            var isUntouched = unknown.Contains(request) && !held.ContainsAnyExcept((byte)0);
            Assert.True(isThere || isUntouched, $"{what}: write {request} is not there");
        }

        memory.Span.Fill(0x77);
        disk.Write(0, memory);
        memory.Span.Clear();
        disk.Read(0, memory);
        Assert.Equal(-1, memory.Span.IndexOfAnyExcept((byte)0x77));
        bench.Machine.Drivers.Memory.Free(memory);
        bench.AssertClean();
        return hasFailed();
    }

    private static bool TryDo(Action request)
    {
        try
        {
            request();
            return true;
        }
        catch (ApertureException)
        {
            return false;
        }
    }
}
