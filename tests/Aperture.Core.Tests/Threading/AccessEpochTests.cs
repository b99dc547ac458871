using Aperture.Core.Threading;

namespace Aperture.Core.Tests.Threading;

public class AccessEpochTests
{
    private readonly AccessEpoch _epoch = new();

    [Fact]
    public void One_thread_alone_waits_for_nothing()
    {
        var turns = 0;
        for (; turns < 3; turns++)
        {
            _epoch.WaitForReaders();
            using (_epoch.Enter())
            {
            }
        }

        _epoch.WaitForReaders();
        Assert.Equal(3, turns); // it came back each time
    }

    [Fact]
    public void An_access_within_an_access_is_refused_and_the_outer_one_goes_on()
    {
        using (_epoch.Enter())
        {
            var isRefused = false;
            try
            {
                using (_epoch.Enter())
                {
                }
            }
            catch (LockRecursionException)
            {
                isRefused = true;
            }

            Assert.True(isRefused);
        }

        using (_epoch.Enter())
        {
        }
    }

    /// <summary>A reader looks at a value and uses it; who changes the value and waits must not see the old one used afterwards.</summary>
    [Theory]
    [InlineData(1, 20_000)]
    [InlineData(3, 5_000)]
    public void What_a_wait_has_ended_is_not_used_any_more(int readers, int rounds)
    {
        var current = 1L; // what an access may use
        var lowest = 1L;  // what is still allowed to be used
        var late = 0;
        var used = 0L;
        var isOver = false;
        var all = Enumerable.Range(0, readers).Select(_ => new Thread(() =>
        {
            while (!Volatile.Read(ref isOver))
            {
                using (_epoch.Enter())
                {
                    var value = Volatile.Read(ref current);
                    Thread.SpinWait((int)(value % 7));
                    if (value < Volatile.Read(ref lowest))
                        Interlocked.Increment(ref late);
                }

                Interlocked.Increment(ref used);
            }
        })).ToArray();
        foreach (var reader in all)
            reader.Start();
        for (var i = 0; i < rounds || Volatile.Read(ref used) < 1000; i++)
        {
            Volatile.Write(ref current, current + 1);
            _epoch.WaitForReaders();
            Volatile.Write(ref lowest, current);
        }

        Volatile.Write(ref isOver, true);
        foreach (var reader in all)
            reader.Join();
        Assert.Equal(0, late);
    }

    [Fact]
    public void Threads_that_went_by_are_let_go_and_may_come_again()
    {
        for (var time = 0; time < 3; time++)
        {
            BiasedLockTests.Together(4, _ =>
            {
                for (var i = 0; i < 100; i++)
                {
                    using (_epoch.Enter())
                    {
                    }
                }
            });
            for (var i = 0; i < AccessEpoch.IdleWaits + 2; i++)
                _epoch.WaitForReaders();
        }

        Assert.Equal(0, _epoch.Threads);
    }

    [Fact]
    public void A_thread_that_was_let_go_is_waited_for_again()
    {
        var began = new ManualResetEventSlim();
        var mayEnd = new ManualResetEventSlim();
        var ended = false;
        var goes = new AutoResetEvent(false);
        var reader = new Thread(() =>
        {
            using (_epoch.Enter())
            {
            }

            goes.Set();
            began.Wait();
            using (_epoch.Enter())
            {
                goes.Set();
                mayEnd.Wait();
                Volatile.Write(ref ended, true);
            }
        });
        reader.Start();
        goes.WaitOne();
        for (var i = 0; i < AccessEpoch.IdleWaits + 2; i++)
            _epoch.WaitForReaders();
        Assert.Equal(0, _epoch.Threads);
        began.Set();
        goes.WaitOne();
        var release = new Thread(() => mayEnd.Set());
        release.Start();
        _epoch.WaitForReaders();
        Assert.True(Volatile.Read(ref ended));
        reader.Join();
        release.Join();
    }
}
