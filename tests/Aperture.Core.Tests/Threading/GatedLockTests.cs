using Aperture.Core.Threading;

namespace Aperture.Core.Tests.Threading;

public class GatedLockTests
{
    private readonly GatedLock _ring = new(LockRank.FlushRing);
    private readonly GatedLock _registers = new(LockRank.Registers);
    private readonly GatedLock _unit = new(LockRank.Unit);
    private readonly List<string> _happened = [];

    [Fact]
    public void Events_happen_at_once_while_the_gate_is_open()
    {
        Assert.True(EventGate.IsOpen);
        EventGate.Post(new Event(this, "a"));
        Assert.Equal(["a"], _happened);
    }

    [Fact]
    public void Events_wait_for_the_outermost_lock_and_keep_their_order()
    {
        for (var time = 0; time < 3; time++)
        {
            _happened.Clear();
            using (_ring.Hold())
            {
                using (_registers.Hold())
                {
                    using (_unit.Hold())
                        EventGate.Post(new Event(this, "a"));
                    EventGate.Post(new Event(this, "b"));
                    Assert.Empty(_happened);
                }

                Assert.False(EventGate.IsOpen);
                Assert.Empty(_happened);
            }

            Assert.Equal(["a", "b"], _happened);
        }
    }

    [Fact]
    public void An_event_may_take_the_lock_under_which_it_was_caused()
    {
        using (_registers.Hold())
            EventGate.Post(new Event(this, "a", () => { using (_registers.Hold()) _happened.Add("inside"); }));
        Assert.Equal(["a", "inside"], _happened);
    }

    [Fact]
    public void What_waited_behind_an_event_that_failed_happened_the_next_time()
    {
        var failed = Assert.Throws<InvalidOperationException>(() =>
        {
            using (_unit.Hold())
            {
                EventGate.Post(new Event(this, "a", () => throw new InvalidOperationException("of the event")));
                EventGate.Post(new Event(this, "b"));
            }
        });
        Assert.Equal("of the event", failed.Message);
        Assert.Equal(["a", "b"], _happened);
        Assert.True(EventGate.IsOpen);
        var both = Assert.Throws<AggregateException>(() =>
        {
            using (_unit.Hold())
            {
                EventGate.Post(new Event(this, "c", () => throw new InvalidOperationException("one")));
                EventGate.Post(new Event(this, "d", () => throw new InvalidOperationException("two")));
            }
        });
        Assert.Equal(["one", "two"], both.InnerExceptions.Select(error => error.Message));
    }

    [Fact]
    public void An_event_of_one_thread_does_not_wait_for_another_threads_lock()
    {
        using (_unit.Hold())
        {
            BiasedLockTests.Together(1, _ => EventGate.Post(new Event(this, "a")));
            Assert.Equal(["a"], _happened);
        }
    }

    [Fact]
    public void A_lock_is_not_recursive()
    {
        using (_unit.Hold())
            Assert.Throws<LockRecursionException>(() => _unit.Enter(ThreadRecord.Current));
        Assert.True(EventGate.IsOpen);
    }

#if DEBUG
    [Fact]
    public void Locks_out_of_order_are_refused_in_Debug()
    {
        var second = new GatedLock(LockRank.Unit);
        using (_unit.Hold())
        {
            Assert.Throws<InvalidOperationException>(() => _registers.Enter(ThreadRecord.Current));
            Assert.Throws<InvalidOperationException>(() => second.TryEnter(ThreadRecord.Current));
        }

        Assert.True(EventGate.IsOpen);
        Assert.False(_registers.IsHeld || second.IsHeld);
    }
#endif

    private sealed class Event(GatedLockTests test, string name, Action? then = null) : IGateEvent
    {
        public void Deliver()
        {
            test._happened.Add(name);
            then?.Invoke();
        }
    }
}
