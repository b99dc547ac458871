using Aperture.Core.Threading;
using Aperture.Hardware.Bus;

namespace Aperture.Hardware.Tests.Bus;

public sealed class InterruptLineTests
{
    private readonly GatedLock _unit = new(LockRank.Unit);
    private readonly InterruptLine _line = new("error");
    private readonly List<bool> _told = [];

    public InterruptLineTests() => _line.Changed = _told.Add;

    [Fact]
    public void A_change_is_told_at_once_while_no_lock_is_held()
    {
        _line.Set(true);
        _line.Set(true);
        _line.Set(false);
        Assert.Equal([true, false], _told);
        Assert.Equal("error", _line.Name);
    }

    /// <summary>B5: whoever listened ran under the lock of the block, and its next register access would have waited for itself.</summary>
    [Fact]
    public void A_change_under_a_lock_holds_at_once_and_is_told_when_the_lock_is_let_go()
    {
        var registers = new GatedLock(LockRank.Registers);
        _line.Changed = level =>
        {
            Assert.True(EventGate.IsOpen);
            using (_unit.Hold())
                _told.Add(level);
        };
        using (registers.Hold())
        {
            using (_unit.Hold())
            {
                _line.Set(true);
                Assert.True(_line.IsAsserted);
            }

            Assert.Empty(_told);
        }

        Assert.Equal([true], _told);
    }

    [Fact]
    public void A_level_that_is_gone_before_the_lock_is_let_go_is_not_told()
    {
        using (_unit.Hold())
        {
            _line.Set(true);
            _line.Set(false);
        }

        Assert.Empty(_told);
        _line.Set(true);
        using (_unit.Hold())
        {
            for (var i = 0; i < 1000; i++)
            {
                _line.Set(false);
                _line.Set(true);
            }

            _line.Set(false);
        }

        Assert.Equal([true, false], _told);
    }

    [Fact]
    public void A_listener_may_drive_the_line()
    {
        _line.Changed = level =>
        {
            _told.Add(level);
            if (level)
                _line.Set(false);
        };
        _line.Set(true);
        Assert.Equal([true, false], _told);
        using (_unit.Hold())
            _line.Set(true);
        Assert.Equal([true, false, true, false], _told);
    }

    [Fact]
    public void Lines_are_told_in_the_order_in_which_they_changed()
    {
        var order = new List<string>();
        InterruptLine[] lines = [new("a"), new("b"), new("c")];
        foreach (var line in lines)
            line.Changed = _ => order.Add(line.Name);
        using (_unit.Hold())
        {
            lines[2].Set(true);
            lines[0].Set(true);
            lines[1].Set(true);
            lines[2].Set(false);
            lines[2].Set(true);
        }

        Assert.Equal(["c", "a", "b"], order);
    }

    [Fact]
    public void Threads_that_drive_a_line_leave_the_listener_with_the_level_that_holds()
    {
        var level = false;
        _line.Changed = _ => Volatile.Write(ref level, _line.IsAsserted);
        var threads = Enumerable.Range(0, 4).Select(number => new Thread(() =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                if (((i + number) & 3) == 0)
                {
                    _line.Set((i & 1) == 0);
                    continue;
                }

                using (_unit.Hold())
                    _line.Set((i & 1) == 0);
            }
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        Assert.Equal(_line.IsAsserted, level);
        _line.Set(!_line.IsAsserted);
        Assert.Equal(_line.IsAsserted, level);
    }
}
