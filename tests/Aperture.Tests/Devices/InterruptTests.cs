using Aperture.Devices;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Devices;

public class InterruptTests
{
    [Fact]
    public void Level_is_served_until_it_goes()
    {
        var line = new Interrupt("gic 1");
        var left = 3;
        line.Request(() =>
        {
            if (--left == 0)
                line.SetLevel(false);
            return InterruptResult.Handled;
        });
        line.SetLevel(true);
        Assert.Equal(0, left);
        Assert.Equal(3ul, line.Count);
        Assert.False(line.IsStuck);
    }

    [Fact]
    public void Level_raised_by_a_handler_is_not_lost_and_not_nested()
    {
        var line = new Interrupt("gic 1");
        var depth = 0;
        var calls = 0;
        line.Request(() =>
        {
            Assert.Equal(1, ++depth);
            line.SetLevel(false);
            if (++calls == 1)
                line.SetLevel(true);
            depth--;
            return InterruptResult.Handled;
        });
        line.SetLevel(true);
        Assert.Equal(2, calls);
    }

    [Fact]
    public void Line_that_nobody_handles_is_switched_off_and_logged()
    {
        using var machine = new FakeMachine();
        var device = FakeMachine.Device("a", "x");
        var line = new Interrupt("gic 7");
        device.Interrupts.Add(line);
        machine.Core.Add(device);
        var shared = FakeMachine.Device("b", "x");
        shared.Interrupts.Add(line);
        machine.Core.Add(shared);
        using (line.Request(() => InterruptResult.None))
            line.SetLevel(true);

        Assert.True(line.IsStuck);
        Assert.Equal((ulong)Interrupt.MaxRounds, line.Count);
        Assert.Equal("interrupt: InterruptStuck: gic 7: nobody cared, the line is switched off", Assert.Single(machine.Core.Log)
            .ToString());

        machine.Core.Remove(device);
        machine.Core.Remove(shared);
        using (line.Request(() => InterruptResult.None))
            Assert.True(line.IsStuck);
        Assert.Single(machine.Core.Log);
    }

    [Fact]
    public void A_line_that_was_switched_off_serves_who_requests_it_next()
    {
        var line = new Interrupt("gic 1");
        for (var time = 1; time <= 2; time++)
        {
            using (line.Request(() => InterruptResult.None))
                line.SetLevel(true);
            Assert.True(line.IsStuck);
            line.SetLevel(false);
            var calls = 0;
            using (line.Request(Handle))
            {
                Assert.False(line.IsStuck);
                line.SetLevel(true);
            }

            Assert.Equal(Interrupt.MaxRounds, calls);
            Assert.False(line.IsStuck);

            InterruptResult Handle()
            {
                if (++calls < Interrupt.MaxRounds)
                    return InterruptResult.None; // as many as the line gets
                line.SetLevel(false);
                return InterruptResult.Handled;
            }
        }
    }

    [Fact]
    public void Rounds_that_nobody_handled_count_in_a_row()
    {
        var line = new Interrupt("gic 1");
        var calls = 0;
        line.Request(() =>
        {
            if (++calls % 10 != 0)
                return InterruptResult.None;
            if (calls == Interrupt.MaxRounds * 3)
                line.SetLevel(false);
            return InterruptResult.Handled;
        });
        line.SetLevel(true);
        Assert.False(line.IsStuck);
        Assert.Equal(Interrupt.MaxRounds * 3, calls);
    }

    [Fact]
    public void Busy_line_that_is_handled_gets_more_rounds()
    {
        var line = new Interrupt("gic 1");
        var left = Interrupt.MaxRounds * 5;
        line.Request(() =>
        {
            if (--left == 0)
                line.SetLevel(false);
            return InterruptResult.Handled;
        });
        line.SetLevel(true);
        Assert.False(line.IsStuck);
    }

    [Fact]
    public void Removed_handler_does_not_run_any_more()
    {
        var line = new Interrupt("gic 1");
        var calls = 0;
        var registration = line.Request(() =>
        {
            calls++;
            line.SetLevel(false);
            return InterruptResult.Handled;
        });
        registration.Dispose();
        registration.Dispose();
        line.SetLevel(true);
        Assert.Equal(0, calls);
    }

    [Fact]
    public void Levels_from_many_threads_are_all_served()
    {
        var line = new Interrupt("gic 1");
        var pending = 0;
        var served = 0;
        var gate = new Lock();
        line.Request(() =>
        {
            lock (gate)
            {
                served += pending;
                pending = 0;
                line.SetLevel(false);
            }

            return InterruptResult.Handled;
        });
        var threads = Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                lock (gate)
                    pending++;
                line.SetLevel(true);
            }
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        Assert.Equal(0, pending);
        Assert.Equal(80_000, served);
    }

    [Fact]
    public void Message_is_served_once()
    {
        var line = new Interrupt("msi 1");
        var calls = 0;
        line.Request(() =>
        {
            if (++calls == 1)
                line.Raise(); // one that comes meanwhile is not lost
            return InterruptResult.Handled;
        });
        line.Raise();
        Assert.Equal(2, calls);
        line.Raise();
        Assert.Equal(3, calls);
        Assert.Equal(3ul, line.Count);
    }

    [Fact]
    public void Message_that_comes_before_its_handler_is_served_when_that_comes()
    {
        var line = new Interrupt("msi 1");
        line.Raise();
        var calls = 0;
        line.Request(() =>
        {
            calls++;
            return InterruptResult.Handled;
        });
        Assert.Equal(1, calls);
    }

    [Fact]
    public void Messages_that_nobody_handles_switch_the_line_off()
    {
        var line = new Interrupt("msi 1");
        var stuck = 0;
        line.Stuck += _ => stuck++;
        var result = InterruptResult.None;
        using var handler = line.Request(() => result);
        for (var i = 0; i < Interrupt.MaxRounds - 1; i++)
            line.Raise();
        Assert.False(line.IsStuck);
        result = InterruptResult.Handled;
        line.Raise(); // one that is handled starts the count again
        result = InterruptResult.None;
        for (var i = 0; i < Interrupt.MaxRounds; i++)
            line.Raise();
        Assert.True(line.IsStuck);
        Assert.Equal(1, stuck);
    }

    [Fact]
    public void Level_that_goes_unhandled_and_drops_does_not_add_up()
    {
        var line = new Interrupt("gic 1");
        using var handler = line.Request(() =>
        {
            line.SetLevel(false);
            return InterruptResult.None;
        });
        for (var i = 0; i < 3 * Interrupt.MaxRounds; i++)
            line.SetLevel(true);
        Assert.False(line.IsStuck);
    }

    [Fact]
    public async Task The_next_round_that_is_handled_can_be_awaited()
    {
        var line = new Interrupt("msi 1");
        var result = InterruptResult.None;
        using var handler = line.Request(() => result);
        var next = line.NextAsync();
        line.Raise();
        Assert.False(next.IsCompleted);
        result = InterruptResult.Handled;
        line.Raise();
        await next;
        Assert.False(line.NextAsync().IsCompleted);
        next = line.NextAsync();
        line.Poll();
        await next;
    }

    [Fact]
    public async Task Who_waits_for_handlers_waits_until_they_have_run_and_runs_them_where_nobody_does()
    {
        using var inHandler = new ManualResetEventSlim();
        var (mayEnd, ended) = (false, false);
        var line = new Interrupt("i");
        Assert.False(line.Attend());
        using var registration = line.Request(() =>
        {
            inHandler.Set();
            while (!Volatile.Read(ref mayEnd))
                Thread.Yield();
            Volatile.Write(ref ended, true);
            line.SetLevel(false);
            Assert.False(line.Attend()); // this thread would wait for itself
            return InterruptResult.Handled;
        });
        var other = Task.Factory.StartNew(() => line.SetLevel(true), TaskCreationOptions.LongRunning);
        inHandler.Wait();
        var hasRun = false;
        var waiting = new Thread(() => hasRun = line.Attend() && Volatile.Read(ref ended));
        waiting.Start();
        while ((waiting.ThreadState & ThreadState.WaitSleepJoin) == 0)
            Thread.Yield();
        Volatile.Write(ref mayEnd, true);
        waiting.Join();
        Assert.True(hasRun);
        await other;
        Assert.False(line.Attend());
    }

    /// <summary>Both would wait for ever.</summary>
    [Fact]
    public async Task A_handler_that_waits_for_the_one_who_waits_for_it_is_waited_for_no_longer()
    {
        using var inHandler = new ManualResetEventSlim();
        using var isBack = new ManualResetEventSlim();
        var line = new Interrupt("i");
        using var registration = line.Request(() =>
        {
            inHandler.Set();
            isBack.Wait();
            line.SetLevel(false);
            return InterruptResult.Handled;
        });
        var other = Task.Factory.StartNew(() => line.SetLevel(true), TaskCreationOptions.LongRunning);
        inHandler.Wait();
        Assert.False(line.Attend());
        isBack.Set();
        await other;
    }

    [Fact]
    public void A_handler_that_threw_kept_those_behind_it_on_the_line_from_running()
    {
        var line = new Interrupt("i");
        var calls = 0;
        using var first = line.Request(() => throw new InvalidOperationException("first"));
        using var second = line.Request(() =>
        {
            calls++;
            line.SetLevel(false);
            return InterruptResult.Handled;
        });
        var next = line.NextAsync();
        Assert.Equal("first", Assert.Throws<InvalidOperationException>(() => line.SetLevel(true)).Message);
        Assert.Equal(1, calls);
        Assert.True(next.IsCompletedSuccessfully); // it was handled
        Assert.Throws<InvalidOperationException>(() => line.Poll());
        Assert.Equal(2, calls);
        first.Dispose();
        line.SetLevel(true);
        Assert.Equal(3, calls);
    }

    [Fact]
    public void A_line_that_gets_stuck_is_told_to_all_though_one_throws()
    {
        var line = new Interrupt("i");
        var told = 0;
        line.Stuck += _ => throw new InvalidOperationException("one");
        line.Stuck += _ => told++;
        using var handler = line.Request(() => InterruptResult.None);
        Assert.Throws<InvalidOperationException>(() => line.SetLevel(true));
        Assert.True(line.IsStuck);
        Assert.Equal(1, told);
    }
}
