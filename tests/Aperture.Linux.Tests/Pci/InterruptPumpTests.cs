using Aperture.Linux.Pci;

namespace Aperture.Linux.Tests.Pci;

public sealed class InterruptPumpTests
{
    [Fact]
    public async Task Calls_whoever_listens_to_a_file_that_was_signalled()
    {
        using var pump = new InterruptPump(Unexpected);
        using var first = InterruptPump.CreateEvent();
        using var second = InterruptPump.CreateEvent();
        var heard = new TaskCompletionSource<string>();
        using var one = pump.Listen(first, () => heard.TrySetResult("first"), Unexpected);
        using var other = pump.Listen(second, () => heard.TrySetResult("second"), Unexpected);
        InterruptPump.Signal(second);
        Assert.Equal("second", await heard.Task);
    }

    [Fact]
    public async Task What_a_listener_throws_does_not_end_the_others()
    {
        using var pump = new InterruptPump(Unexpected);
        using var first = InterruptPump.CreateEvent();
        using var second = InterruptPump.CreateEvent();
        var failed = new TaskCompletionSource<Exception>();
        var heard = new TaskCompletionSource();
        using var one = pump.Listen(first, () => throw new InvalidOperationException("bad"), failed.SetResult);
        using var other = pump.Listen(second, heard.SetResult, Unexpected);
        InterruptPump.Signal(first);
        Assert.Equal("bad", (await failed.Task).Message);
        InterruptPump.Signal(second);
        await heard.Task;
    }

    [Fact]
    public async Task A_handler_of_failures_that_failed_itself_was_the_end_of_the_process()
    {
        var unheard = new TaskCompletionSource<Exception>();
        using var pump = new InterruptPump(unheard.SetResult);
        using var first = InterruptPump.CreateEvent();
        using var second = InterruptPump.CreateEvent();
        var heard = new TaskCompletionSource();
        using var one = pump.Listen(first, () => throw new InvalidOperationException("bad"), _ =>
            throw new InvalidOperationException("worse"));
        using var other = pump.Listen(second, heard.SetResult, Unexpected);
        InterruptPump.Signal(first);
        Assert.Equal("worse", (await unheard.Task).Message);
        InterruptPump.Signal(second);
        await heard.Task;
    }

    [Fact]
    public async Task Who_has_left_is_not_called()
    {
        using var pump = new InterruptPump(Unexpected);
        using var file = InterruptPump.CreateEvent();
        using var other = InterruptPump.CreateEvent();
        var calls = 0;
        pump.Listen(file, () => calls++, Unexpected).Dispose();
        var heard = new TaskCompletionSource();
        using var last = pump.Listen(other, heard.SetResult, Unexpected);
        InterruptPump.Signal(file);
        InterruptPump.Signal(other);
        await heard.Task;
        Assert.Equal(0, calls);
    }

    [Fact]
    public async Task A_listener_may_leave_while_it_is_called()
    {
        using var pump = new InterruptPump(Unexpected);
        using var file = InterruptPump.CreateEvent();
        using var last = InterruptPump.CreateEvent();
        var (calls, heard, ended) = (0, new TaskCompletionSource(), new TaskCompletionSource());
        var ready = new TaskCompletionSource<IDisposable>();
        using var other = pump.Listen(last, ended.SetResult, Unexpected);
        ready.SetResult(pump.Listen(file, () =>
        {
            ready.Task.Result.Dispose();
            calls++;
            heard.TrySetResult();
        }, Unexpected));
        InterruptPump.Signal(file);
        await heard.Task;

        // It has left: a second signal is nobody's, and the pump goes on.
        InterruptPump.Signal(file);
        InterruptPump.Signal(last);
        await ended.Task;
        Assert.Equal(1, calls);
    }

    private static void Unexpected(Exception e) => throw new InvalidOperationException("unexpected", e);
}
