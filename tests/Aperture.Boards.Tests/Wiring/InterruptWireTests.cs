using Aperture.Boards.Wiring;
using Aperture.Core.Threading;
using Aperture.Devices;
using Aperture.Hardware.Bus;

namespace Aperture.Boards.Tests.Wiring;

public sealed class InterruptWireTests
{
    private readonly GatedLock _registers = new(LockRank.Registers);
    private readonly InterruptWire _wire = new("gic 5");

    [Fact]
    public void The_input_is_active_while_any_line_is()
    {
        InterruptLine[] lines = [new("a"), new("b")];
        lines[0].Set(true);
        foreach (var line in lines)
            _wire.Connect(line);
        Assert.True(_wire.Input.IsActive);
        lines[1].Set(true);
        lines[0].Set(false);
        Assert.True(_wire.Input.IsActive);
        lines[1].Set(false);
        Assert.False(_wire.Input.IsActive);
    }

    [Fact]
    public void A_line_that_is_active_when_it_is_connected_is_handled()
    {
        var line = new InterruptLine();
        line.Set(true);
        var calls = 0;
        using var handler = _wire.Input.Request(() =>
        {
            calls++;
            line.Set(false);
            return InterruptResult.Handled;
        });
        Assert.Equal(0, calls);
        _wire.Connect(line);
        Assert.Equal(1, calls);
    }

    /// <summary>Blocks on several threads share an input: every cause is handled, the line never counts as stuck, and no level stays
    /// behind.</summary>
    [Fact]
    public void Threads_that_raise_lines_of_one_input_lose_no_cause()
    {
        const int count = 3, rounds = 20_000;
        var lines = Enumerable.Range(0, count).Select(number => new InterruptLine($"{number}")).ToArray();
        var causes = new int[count];
        long handled = 0;
        foreach (var line in lines)
            _wire.Connect(line);
        using var handler = _wire.Input.Request(() =>
        {
            var found = InterruptResult.None;
            using (_registers.Hold())
            {
                for (var i = 0; i < count; i++)
                {
                    if (causes[i] == 0)
                        continue;
                    handled += causes[i];
                    causes[i] = 0;
                    lines[i].Set(false);
                    found = InterruptResult.Handled;
                }
            }

            return found;
        });
        var threads = Enumerable.Range(0, count).Select(number => new Thread(() =>
        {
            for (var i = 0; i < rounds; i++)
            {
                using (_registers.Hold())
                {
                    causes[number]++;
                    lines[number].Set(true);
                }
            }
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        Assert.False(_wire.Input.IsStuck);
        Assert.False(_wire.Input.IsActive);
        Assert.Equal(count * rounds, handled);
    }
}
