using Aperture.Core.Threading;
using Xunit.Abstractions;

namespace Aperture.Core.Tests.Threading;

public class BiasedWordsTests(ITestOutputHelper output)
{
    private readonly BiasedWords _words = new();
    private ulong _word;

    [Fact]
    public void A_step_is_done_only_from_what_the_word_is()
    {
        for (var time = 0; time < 3; time++) // without an owner, then by bias
        {
            _word = 5;
            Assert.False(_words.TryStep(ref _word, 4, 6));
            Assert.Equal(5ul, _word);
            Assert.True(_words.TryStep(ref _word, 5, 6));
            Assert.Equal(6ul, _word);
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void No_step_is_lost_while_the_bias_moves(int threads)
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var lost = 0;
        for (var round = 0; round < 400; round++)
        {
            // Few steps each, and fresh words: later they belong to everybody.
            var words = new BiasedWords();
            var counters = new ulong[3];
            var done = new long[threads];
            using var start = new Barrier(threads);
            BiasedLockTests.Together(threads, thread =>
            {
                var random = new Random(seed + (round * threads) + thread);
                start.SignalAndWait();
                for (var i = random.Next(1, 400); i > 0; i--)
                {
                    ref var counter = ref counters[random.Next(counters.Length)];
                    var seen = Volatile.Read(ref counter);
                    if (words.TryStep(ref counter, seen, seen + 1))
                        done[thread]++;
                    if (random.Next(64) == 0)
                        Thread.Yield();
                }
            });
            if (counters.Sum(counter => (long)counter) != done.Sum())
                lost++;
        }

        Assert.Equal(0, lost);
    }

    [Fact]
    public void Who_comes_after_the_owner_has_ended_takes_over()
    {
        for (var i = 0; i < 100; i++)
        {
            BiasedLockTests.Together(1, _ =>
            {
                for (var step = 0; step < i; step++)
                    Assert.True(_words.TryStep(ref _word, _word, _word + 1));
            });
        }

        Assert.Equal(4950ul, _word);
    }

    [Fact]
    public void Words_belong_to_everybody_once_guests_come_more_often_than_is_worth_while()
    {
        Assert.True(_words.TryStep(ref _word, 0, 1));
        for (var guest = 0; guest < 100; guest++)
            BiasedLockTests.Together(1, _ => Assert.True(_words.TryStep(ref _word, _word, _word + 1)));
        Assert.True(_words.IsShared);
        Assert.True(_words.TryStep(ref _word, 101, 102));
        Assert.False(_words.TryStep(ref _word, 101, 102));
    }

    [Fact]
    public void A_guest_of_a_busy_owner_changes_nothing()
    {
        for (var guest = 0; guest < 100; guest++)
        {
            for (var i = 0; i < 1000; i++)
                Assert.True(_words.TryStep(ref _word, _word, _word + 1));
            BiasedLockTests.Together(1, _ => Assert.True(_words.TryStep(ref _word, _word, _word + 1)));
        }

        Assert.False(_words.IsShared);
        Assert.Equal(100_100ul, _word);
    }
}
