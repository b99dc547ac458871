using Aperture.Core.Threading;
using Aperture.Devices;

namespace Aperture.Tests.Devices;

/// <summary>B5: handlers ran wherever a level was raised, under whatever lock was held there.</summary>
public sealed class InterruptGateTests
{
    private readonly GatedLock _registers = new(LockRank.Registers);
    private readonly Interrupt _line = new("gic 1");
    private int _calls;

    [Fact]
    public void A_level_raised_under_a_lock_is_handled_when_the_lock_is_let_go()
    {
        Request(() => _line.SetLevel(false));
        using (_registers.Hold())
        {
            _line.SetLevel(true);
            Assert.True(_line.IsActive);
            Assert.Equal(0, _calls);
        }

        Assert.Equal(1, _calls);
        Assert.False(_line.IsActive);
    }

    [Fact]
    public void A_level_that_went_again_under_the_lock_is_not_handled()
    {
        Request(() => { });
        using (_registers.Hold())
        {
            _line.SetLevel(true);
            _line.SetLevel(false);
        }

        Assert.Equal(0, _calls);
    }

    [Fact]
    public void Messages_under_a_lock_are_one_round()
    {
        Request(() => { });
        using (_registers.Hold())
        {
            _line.Raise();
            _line.Raise();
            Assert.Equal(0, _calls);
        }

        Assert.Equal(1, _calls);
    }

    [Fact]
    public void A_handler_that_comes_under_a_lock_hears_of_an_active_line_afterwards()
    {
        _line.SetLevel(true);
        using (_registers.Hold())
        {
            Request(() => _line.SetLevel(false));
            Assert.Equal(0, _calls);
        }

        Assert.Equal(1, _calls);
    }

    [Fact]
    public void An_input_that_looks_at_its_wire_is_never_behind_it()
    {
        var level = false;
        var input = new Interrupt("gic 2", () => level);
        using var handler = input.Request(() =>
        {
            // Lowered under a lock: nobody is told before the lock is let go, and yet the next round sees it.
            using (_registers.Hold())
                level = ++_calls < 3;
            return InterruptResult.Handled;
        });
        level = true;
        Assert.True(input.IsActive);
        Assert.Equal(0, _calls);
        input.Look();
        Assert.Equal(3, _calls);
        Assert.False(input.IsActive);
        Assert.Throws<InvalidOperationException>(() => input.SetLevel(true));
    }

    private void Request(Action handle) => _line.Request(() =>
    {
        Assert.True(EventGate.IsOpen);
        using (_registers.Hold())
            _calls++;
        handle();
        return InterruptResult.Handled;
    });
}
