using Aperture.Core;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Threads;

/// <summary>A translation cache whose entries one thread changes while others look them up.</summary>
public class CacheThreadTests
{
    private const int Rounds = 100_000;

    /// <summary>11,582 of 643,000 times an entry was found after its invalidation had returned.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void What_was_invalidated_is_never_found_again(int threads)
    {
        var cache = new TranslationCache(1, 8, ReplacementPolicy.RoundRobin);
        var (gone, found, isOver) = (0L, 0L, false);
        Together.Run([Change, .. Enumerable.Repeat((Action)LookUp, threads - 1)]);
        Assert.NotEqual(0, found);

        void Change()
        {
            for (var round = 1L; round <= Rounds * Together.Factor; round++)
            {
                // An address that many rounds share, each leading elsewhere, in an entry that changes.
                var target = new PhysicalAddress((ulong)round << 12);
                cache.Set((int)round % 8, 0, new TlbPage(new Iova(0x5000), 12, target, (ulong)round, (ulong)~round));
                if (round % 16 == 0)
                {
                    var before = Volatile.Read(ref found);
                    Together.WaitFor(() => Volatile.Read(ref found) != before, turns: 8);
                }

                cache.Invalidate((int)round % 8);
                Volatile.Write(ref gone, round);
            }

            Volatile.Write(ref isOver, true);
        }

        void LookUp()
        {
            while (!Volatile.Read(ref isOver))
            {
                var before = Volatile.Read(ref gone);
                if (!cache.TryFind(0, new Iova(0x5123), out var result, out var info, out var more, out _))
                    continue;
                Assert.True((long)info > before, $"entry {info} was found after {before} was gone");
                Assert.Equal((~info, (info << 12) + 0x123), (more, result.Address.Value)); // one entry, not parts of two
                Volatile.Write(ref found, found + 1);
            }
        }
    }
}
