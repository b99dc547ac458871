using Aperture.Core.Threading;

namespace Aperture.Core.Tests.Threading;

public class BiasedLockTests
{
    private readonly BiasedLock _lock = new();

    [Fact]
    public void A_thread_that_holds_it_is_refused_a_second_time()
    {
        for (var time = 0; time < 3; time++) // by compare-and-swap, then by bias
        {
            using (_lock.Hold())
            {
                Assert.True(_lock.IsHeld);
                Assert.Throws<LockRecursionException>(() => _lock.Enter(ThreadRecord.Current));
                Assert.Throws<LockRecursionException>(() => _lock.TryEnter(ThreadRecord.Current));
                Assert.True(_lock.IsHeld);
            }

            Assert.False(_lock.IsHeld);
        }
    }

    [Fact]
    public void Nobody_lets_go_what_nobody_holds() => Assert.Throws<SynchronizationLockException>(_lock.Exit);

    [Theory]
    [InlineData(2, 1)]
    [InlineData(4, 1)]
    [InlineData(4, 100)]
    public void Threads_keep_each_other_out_while_the_bias_moves(int threads, int stretch)
    {
        const int Rounds = 20_000;
        long count = 0;
        var inside = 0;
        var met = 0;
        Together(threads, _ =>
        {
            for (var i = 0; i < Rounds; i++)
            {
                using (_lock.Hold())
                {
                    if (++inside != 1)
                        met++;
                    count++;
                    inside--;
                }

                if (i % stretch == 0)
                    Thread.Yield();
            }
        });

        Assert.Equal(0, met);
        Assert.Equal((long)threads * Rounds, count);
    }

    [Fact]
    public void A_lock_whose_owner_ended_is_taken_over_more_often_than_the_bias_moves()
    {
        var count = 0;
        for (var i = 0; i < 3 * BiasedLock.MaxMoves; i++)
        {
            Together(1, _ =>
            {
                for (var j = 0; j < 3; j++)
                {
                    using (_lock.Hold())
                        count++;
                }
            });
        }

        Assert.Equal(9 * BiasedLock.MaxMoves, count);
    }

    [Fact]
    public void Who_tries_while_another_holds_it_by_compare_and_swap_is_turned_away()
    {
        using (_lock.Hold()) // the first time there is no owner yet
        {
            var got = true;
            Together(1, _ => got = _lock.TryEnter(ThreadRecord.Current));
            Assert.False(got);
        }
    }

    [Fact]
    public void Who_comes_while_the_owner_is_inside_waits_until_it_has_left()
    {
        using (_lock.Hold())
        {
        }

        var order = new List<int>();
        Thread second;
        using (_lock.Hold()) // by its bias
        {
            second = new Thread(() =>
            {
                using (_lock.Hold())
                    order.Add(2);
            });
            second.Start();
            for (var i = 0; i < 1000; i++)
                Thread.Yield();
            order.Add(1);
        }

        second.Join();
        Assert.Equal([1, 2], order);
    }

    [Fact]
    public void A_former_owner_that_still_believes_in_its_bias_lets_nobody_in_and_nobody_wait_for_ever()
    {
        var met = 0;
        for (var round = 0; round < 2000; round++)
        {
            // A fresh lock each time: a later one belongs to nobody, and is no test.
            var fresh = new BiasedLock();
            var inside = 0;
            using var start = new Barrier(2);
            Together(2, thread =>
            {
                start.SignalAndWait();
                for (var i = 0; i < 10 + (round % 50); i++)
                {
                    using (fresh.Hold())
                    {
                        if (Interlocked.Increment(ref inside) != 1)
                            met++;
                        Interlocked.Decrement(ref inside);
                    }
                }
            });
        }

        Assert.Equal(0, met);
    }

    [Fact]
    public void A_guest_of_a_busy_owner_does_not_make_the_lock_everybodys()
    {
        for (var guest = 0; guest < 3 * BiasedLock.MaxMoves; guest++)
        {
            for (var i = 0; i < 1000; i++)
            {
                using (_lock.Hold())
                {
                }
            }

            Together(1, _ =>
            {
                using (_lock.Hold())
                {
                }
            });
        }

        Assert.False(_lock.IsShared);
    }

    [Fact]
    public void Who_tries_while_the_owner_is_inside_is_turned_away_and_the_owner_stays_inside()
    {
        for (var time = 0; time < 3; time++)
        {
            using (_lock.Hold())
            {
                var got = true;
                Together(1, _ => got = _lock.TryEnter(ThreadRecord.Current));
                Assert.False(got);
                Assert.True(_lock.IsHeld);
            }
        }
    }

    internal static void Together(int threads, Action<int> work)
    {
        var all = Enumerable.Range(0, threads).Select(i => new Thread(() => work(i))).ToArray();
        foreach (var thread in all)
            thread.Start();
        foreach (var thread in all)
            thread.Join();
    }
}
