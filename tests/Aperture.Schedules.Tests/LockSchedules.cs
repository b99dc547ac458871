using Aperture.Core.Threading;
using Xunit.Abstractions;

namespace Aperture.Schedules.Tests;

/// <summary>Biased locks and access epochs under every order of steps.</summary>
public sealed class LockSchedules(ITestOutputHelper output)
{
    [Fact]
    public void One_thread_at_a_time_holds_a_biased_lock() => Explore.Holds(
        output,
        () =>
        {
            var (gate, inside, entered) = (new BiasedLock(), 0, 0);
            return new Concurrent([Use, Use, Use], () => Assert.Equal(12, entered));

            void Use()
            {
                for (var i = 0; i < 4; i++)
                {
                    using var scope = gate.Hold();
                    Assert.Equal(0, inside++);
                    Yields.Step();
                    entered++;
                    inside--;
                }
            }
        },
        threads: 3);

    [Fact]
    public void Who_only_tries_holds_it_alone_as_well() => Explore.Holds(output, () =>
    {
        var (gate, inside, entered) = (new BiasedLock(), 0, 0);
        return new Concurrent([Use, Use], () => Assert.InRange(entered, 1, 10));

        void Use()
        {
            var thread = ThreadRecord.Current;
            for (var i = 0; i < 5; i++)
            {
                if (!gate.TryEnter(thread))
                    continue;
                Assert.Equal(0, inside++);
                Yields.Step();
                entered++;
                inside--;
                gate.Exit();
            }
        }
    });

    /// <summary>What an access saw before it was waited for is not freed under it.</summary>
    [Fact]
    public void An_epoch_waits_for_every_access_that_began_before() => Explore.Holds(
        output,
        () =>
        {
            var epoch = new AccessEpoch();
            var (published, freed) = (1, 0);
            return new Concurrent([Read, Read, Change], () => Assert.Equal(4, freed));

            void Read()
            {
                for (var i = 0; i < 4; i++)
                {
                    using var scope = epoch.Enter();
                    Yields.Step();
                    var seen = published;
                    Yields.Step();
                    Assert.True(seen > freed, $"{seen} was used after {freed} was freed");
                }
            }

            void Change()
            {
                for (var i = 0; i < 4; i++)
                {
                    var old = published++;
                    Yields.Step();
                    epoch.WaitForReaders();
                    freed = old;
                }
            }
        },
        threads: 3);
}
