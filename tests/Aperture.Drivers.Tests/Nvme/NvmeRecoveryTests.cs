using Aperture.Core;
using Aperture.Datasheets.Nvme;
using Aperture.Drivers.Nvme;
using Aperture.Hardware.Nvme;

namespace Aperture.Drivers.Tests.Nvme;

public sealed class NvmeRecoveryTests
{
    private static readonly NvmeDriverOptions Quick = new() { Queues = 1, Timeout = TimeSpan.FromSeconds(2) };

    public static TheoryData<NvmeStatus, Status> Errors => new()
    {
        { NvmeStatus.UnrecoveredRead, Status.IoError },
        { NvmeStatus.InvalidField, Status.InvalidArgument },
        { NvmeStatus.BlockOutOfRange, Status.OutOfRange },
        { NvmeStatus.InternalError, Status.IoError },
        { NvmeStatus.DataTransferError, Status.IoError },
        { NvmeStatus.AbortRequested, Status.TimedOut },
    };

    [Theory]
    [MemberData(nameof(Errors))]
    public async Task An_error_of_any_command_of_a_request_is_told_by_name_and_the_next_request_works(NvmeStatus code, Status status)
    {
        using var bench = new NvmeBench("strict", Quick with { MaxTransfer = 8192, BounceBytes = 8192 });
        var disk = bench.Disk(false);
        var block = bench.Machine.Drivers.Memory.Allocate(64 << 10);
        for (var bad = 0; bad < 8; bad++)
        {
            var at = (ulong)bad * 16;
            bench.Model.Inject = (queue, command) => queue != 0 && command.FirstBlock == at ? code : null;
            foreach (var isManaged in new[] { false, true })
            {
                var failure = await Assert.ThrowsAsync<NvmeException>(
                    async () => await (isManaged ? disk.ReadAsync(0, new byte[64 << 10]) : disk.WriteAsync(0, block)));
                Assert.Equal((code, status), (failure.Code, failure.Status));
                Assert.Contains($"{bench.Device.Name} namespace 1: ", failure.Message, StringComparison.Ordinal);
                Assert.Contains($"of 16 blocks from {at} on ended with {code}", failure.Message, StringComparison.Ordinal);
            }
        }

        bench.Model.Inject = null;
        await disk.ReadAsync(0, block);
        Assert.Equal(0, bench.Client.Resets);
        bench.Machine.Drivers.Memory.Free(block);
        bench.AssertClean();
    }

    [Fact]
    public void What_may_pass_is_tried_again()
    {
        using var bench = new NvmeBench("direct", Quick);
        var left = 3;
        bench.Model.Inject = (queue, _) => queue != 0 && left-- > 0 ? NvmeStatus.InternalError : null;
        bench.Disk(false).Read(0, new byte[512]);
        Assert.Equal(3, bench.Client.Replays);
        bench.AssertClean();
    }

    [Theory]
    [InlineData("direct")]
    [InlineData("strict")]
    [InlineData("deferred")]
    [InlineData("strict-noncoherent")]
    public void A_command_that_does_not_end_is_aborted_and_then_done_again_after_a_reset(string way)
    {
        using var bench = new NvmeBench(way, Quick);
        var disk = bench.Disk(false);
        var random = new Random(5);
        var data = new byte[64 << 10];
        random.NextBytes(data);
        bench.Registers.IsDeaf = true;
        var tasks = Enumerable.Range(0, 10).Select(i => disk.WriteAsync((ulong)(128 * i), data).AsTask()).ToArray();
        Assert.DoesNotContain(tasks, task => task.IsCompleted);
        bench.Machine.Clock.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(0, bench.Client.Resets);
        bench.Registers.IsDeaf = false;
        bench.Machine.Clock.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(1, bench.Client.Resets);
        Assert.All(tasks, task => Assert.True(task.IsCompletedSuccessfully));
        for (var i = 0; i < 10; i++)
            Assert.True(bench.Content(false).AsSpan(i * 65536, 65536).SequenceEqual(data));
        disk.Read(0, data);
        bench.AssertClean();
    }

    [Fact]
    public void A_controller_that_never_does_anything_fails_the_request_in_the_end()
    {
        using var bench = new NvmeBench("direct", Quick);
        bench.Registers.IsDeaf = true;
        var failure = Assert.Throws<ApertureException>(() => bench.Disk(false).Read(7, new byte[512]));
        Assert.Equal(Status.TimedOut, failure.Status);
        Assert.Contains("Read of 1 blocks from 7 on did not end", failure.Message, StringComparison.Ordinal);
        Assert.Equal(4, bench.Client.Resets);
        Assert.Equal(NvmeState.Live, bench.Client.State);
        bench.Registers.IsDeaf = false;
        bench.Disk(false).Read(7, new byte[512]);
        bench.AssertClean();
    }

    [Fact]
    public void A_fatal_status_is_noticed_and_a_reset_brings_the_controller_back()
    {
        using var bench = new NvmeBench("strict", Quick);
        bench.Registers.IsDeaf = true;
        var task = bench.Disk(true).ReadAsync(0, new byte[4096]).AsTask();
        bench.Registers.IsDeaf = false;
        bench.Registers.Status = 3;
        bench.Machine.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(task.IsCompletedSuccessfully);
        Assert.Equal((1, 1), (bench.Client.Resets, bench.Client.Replays));
        bench.AssertClean();
    }

    [Fact]
    public void An_interrupt_that_is_lost_costs_time_and_nothing_else()
    {
        using var bench = new NvmeBench("direct", Quick);
        bench.Model.Interrupt.Changed = null;
        var task = bench.Disk(false).ReadAsync(0, new byte[512]).AsTask();
        Assert.False(task.IsCompleted);
        bench.Machine.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(task.IsCompletedSuccessfully);
        Assert.Equal((1, 0), (bench.Client.LostInterrupts, bench.Client.Resets));
        bench.Disk(false).Read(0, new byte[512]);
        bench.AssertClean();
    }

    [Theory]
    [InlineData("direct", false)]
    [InlineData("strict", false)]
    [InlineData("strict", true)]
    [InlineData("bounce", true)]
    public void A_controller_that_goes_away_fails_all_requests_by_name(string way, bool isBusError)
    {
        using var bench = new NvmeBench(way, Quick with { QueueEntries = 4 });
        var disk = bench.Disk(false);
        var block = bench.Machine.Drivers.Memory.Allocate(40960);
        bench.Registers.IsDeaf = true;
        var tasks = Enumerable.Range(0, 10).Select(i => disk.ReadAsync((ulong)i, block.Slice(4096 * i, 512)))
            .Select(task => task.AsTask()).ToArray();
        (bench.Registers.IsGone, bench.Registers.IsDead) = (!isBusError, isBusError);
        bench.Machine.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.All(tasks, task =>
        {
            var failure = Assert.IsType<ApertureException>(task.Exception!.InnerException);
            Assert.Equal(Status.NoDevice, failure.Status);
            Assert.Contains(bench.Device.Name, failure.Message, StringComparison.Ordinal);
        });
        Assert.Equal(NvmeState.Failed, bench.Client.State);
        Assert.NotNull(bench.Client.Failure);
        Assert.Equal(Status.NoDevice, Assert.Throws<ApertureException>(() => disk.Read(0, new byte[512])).Status);
        bench.Machine.Drivers.Memory.Free(block);
        bench.AssertClean();
        (bench.Registers.IsGone, bench.Registers.IsDead, bench.Registers.IsDeaf) = (false, false, false);
    }

    [Fact]
    public void A_controller_that_does_not_become_ready_is_refused_by_name()
    {
        using var bench = new NvmeBench("strict", Quick, new NvmeOptions { ReadyDelayPolls = -1, Timeout = 2 }, isBound: false);
        var before = bench.Machine.Clock.Elapsed;
        Assert.Contains("did not become ready within 1000 ms", bench.TryBind(), StringComparison.Ordinal);
        Assert.True(bench.Machine.Clock.Elapsed - before < TimeSpan.FromSeconds(3));
        bench.AssertClean();
    }

    [Fact]
    public void A_controller_that_takes_its_time_is_waited_for()
    {
        using var bench = new NvmeBench("strict", Quick, new NvmeOptions { ReadyDelayPolls = 300 });
        bench.Disk(false).Read(0, new byte[512]);
        bench.AssertClean();
    }

    [Fact]
    public void Registers_that_read_as_ones_are_no_controller()
    {
        using var bench = new NvmeBench("direct", Quick, isBound: false);
        bench.Registers.IsGone = true;
        Assert.Contains("all its registers read as ones", bench.TryBind(), StringComparison.Ordinal);
        bench.Registers.IsGone = false;
        bench.Bind();
        bench.AssertClean();
    }

    [Fact]
    public async Task What_is_cancelled_ends_when_the_controller_is_done_with_it()
    {
        using var bench = new NvmeBench("strict", Quick with { QueueEntries = 3 });
        var disk = bench.Disk(false);
        using var early = new CancellationTokenSource();
        early.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await disk.ReadAsync(0, new byte[512], early.Token));
        bench.Registers.IsDeaf = true;
        using var source = new CancellationTokenSource();
        var running = disk.ReadAsync(0, new byte[512], source.Token).AsTask();
        var other = disk.ReadAsync(1, new byte[512]).AsTask();
        var waiting = disk.ReadAsync(2, new byte[512], source.Token).AsTask();
        source.Cancel();
        Assert.True(waiting.IsCanceled);
        Assert.False(running.IsCompleted);
        bench.Registers.IsDeaf = false;
        Assert.True(bench.Client.Reset());
        await other;
        Assert.True(running.IsCanceled);
        await disk.ReadAsync(0, new byte[512], source.Token.IsCancellationRequested ? default : source.Token);
        bench.AssertClean();
    }

    [Fact]
    public void Sleep_keeps_what_waits()
    {
        using var bench = new NvmeBench("strict", Quick);
        var disk = bench.Disk(false);
        var data = new byte[512];
        new Random(1).NextBytes(data);
        disk.Write(3, data);
        bench.Machine.Drivers.Suspend();
        Assert.Equal(NvmeState.Suspended, bench.Client.State);
        var task = disk.WriteAsync(4, data).AsTask();
        Assert.False(task.IsCompleted);
        bench.Machine.Drivers.Resume();
        Assert.True(task.IsCompletedSuccessfully);
        var back = new byte[1024];
        disk.Read(3, back);
        Assert.Equal([.. data, .. data], back);
        bench.AssertClean();
    }

    [Fact]
    public async Task Removal_ends_what_waits_and_the_controller_can_be_bound_again()
    {
        using var bench = new NvmeBench("strict", Quick);
        bench.Registers.IsDeaf = true;
        var task = bench.Disk(false).ReadAsync(0, new byte[512]).AsTask();
        var disk = bench.Disk(false);
        bench.Machine.Drivers.Unbind(bench.Device);
        Assert.Equal(Status.NoDevice, (await Assert.ThrowsAsync<ApertureException>(() => task)).Status);
        Assert.Equal(Status.NoDevice, Assert.Throws<ApertureException>(() => disk.Read(0, new byte[512])).Status);
        bench.Sanitizer.AssertClean();
        bench.Registers.IsDeaf = false;
        bench.Bind();
        bench.Disk(false).Read(0, new byte[512]);
        bench.AssertClean();
    }

    [Fact]
    public void Events_are_kept_and_asked_for_again()
    {
        using var bench = new NvmeBench("direct", Quick);
        var told = new List<NvmeAsyncEvent>();
        bench.Client.EventReceived += told.Add;
        for (var i = 0; i < 20; i++)
            Assert.True(bench.Model.TryWrite(0x1000 + (8 * 60), 4, 1)); // the doorbell of a queue that there is not
        Assert.Equal(20, told.Count);
        Assert.Equal(16, bench.Client.Events.Count);
        Assert.Equal((19, 0, 1), (told[^1].Sequence, told[^1].Type, told[^1].LogPage));
        bench.Disk(false).Read(0, new byte[512]);
        bench.AssertClean();
    }
}
