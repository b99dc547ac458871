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
        Assert.Equal("interrupt: InterruptStuck: gic 7: nobody cared, the line is switched off", Assert.Single(machine.Core.Log).ToString());

        machine.Core.Remove(device);
        machine.Core.Remove(shared);
        using (line.Request(() => InterruptResult.None))
            Assert.True(line.IsStuck);
        Assert.Single(machine.Core.Log);
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
}
