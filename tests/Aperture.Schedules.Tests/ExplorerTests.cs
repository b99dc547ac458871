namespace Aperture.Schedules.Tests;

/// <summary>What is wrong by some order of steps is found, and shown by the fewest switches.</summary>
public sealed class ExplorerTests
{
    [Fact]
    public void An_update_that_is_not_atomic_is_found_and_shrunk_to_two_switches()
    {
        using var explorer = new Explorer(2);
        var failure = explorer.Explore(
            () =>
            {
                var count = 0;
                return new Concurrent([Add, Add], () => Assert.Equal(20, count));

                void Add()
                {
                    for (var i = 0; i < 10; i++)
                    {
                        Yields.Step();
                        var read = count;
                        Yields.Step();
                        count = read + 1;
                    }
                }
            },
            1000,
            seed: 1);
        Assert.NotNull(failure);
        Assert.InRange(failure.Schedule.Count, 1, 2); // away between read and write, and back before the end
        Assert.Equal(failure.Schedule.Count, failure.Places.Count);
        Assert.Contains("Expected: 20", failure.Error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_locks_in_two_orders_are_found()
    {
        using var explorer = new Explorer(2);
        var failure = explorer.Explore(
            () =>
            {
                var (one, other) = (new Lock(), new Lock());
                return new Concurrent([() => Take(one, other), () => Take(other, one)], () => { });
            },
            1000,
            seed: 1);
        Assert.NotNull(failure);
        Assert.IsType<ScheduleException>(failure.Error);
        Assert.Single(failure.Schedule);

        static void Take(Lock first, Lock second)
        {
            Yields.Enter(first);
            try
            {
                Yields.Enter(second);
                second.Exit();
            }
            finally
            {
                first.Exit();
            }
        }
    }

    [Fact]
    public void What_is_right_by_every_order_holds()
    {
        using var explorer = new Explorer(3);
        Assert.Null(explorer.Explore(
            () =>
            {
                var (gate, count) = (new Lock(), 0);
                return new Concurrent([Add, Add, Add], () => Assert.Equal(15, count));

                void Add()
                {
                    for (var i = 0; i < 5; i++)
                    {
                        using var scope = Yields.EnterScope(gate);
                        var read = count;
                        Yields.Step();
                        count = read + 1;
                    }
                }
            },
            1000,
            seed: 1));
    }
}
