using System.Diagnostics;
using Aperture.Core;
using Aperture.Core.Addresses;

namespace Aperture.Benchmarks.Dma;

/// <summary>Device addresses come and go while many ranges of 1 to 32 pages are live.</summary>
internal sealed class IovaWork
{
    private const int LiveRanges = 10_000;
    private const uint Page = 4096;

    private readonly IovaSpace _space;
    private readonly uint[] _live = new uint[LiveRanges]; // the address, and in its low bits the number of pages
    private ulong _random;

    private IovaWork(IovaSpace space, ulong seed)
    {
        _space = space;
        _random = seed;
        for (var i = 0; i < LiveRanges; i++)
        {
            _random = Next(_random);
            _live[i] = Take(1 + (uint)(_random >> 59));
        }
    }

    /// <summary>In a space of 4 GiB of its own.</summary>
    public static IovaWork Create() => new(new IovaSpace(Page, new Iova(uint.MaxValue)), 1);

    /// <summary>Frees a range and takes another.</summary>
    public void FreeAndTake(int times)
    {
        var live = _live;
        var random = _random; // here, so that the threads write nothing beside the space
        for (var i = 0; i < times; i++)
        {
            random = Next(random);
            ref var range = ref live[(int)((random & uint.MaxValue) * LiveRanges >> 32)];
            _space.Free(new Iova(range & ~(Page - 1)), (range & (Page - 1)) * Page);
            range = Take(1 + (uint)(random >> 59));
        }

        _random = random;
    }

    /// <summary>The time that 999 of 1000 single operations do not exceed, in nanoseconds: each is timed, and what reading the clock takes
    /// is subtracted. The best of some rounds, because other work on the machine only ever adds time.</summary>
    public double Tail(TimeSpan budget)
    {
        const int Times = 20_000;
        var ticks = new long[2 * Times];
        var best = double.MaxValue;
        var end = Stopwatch.GetTimestamp() + (long)(budget.TotalSeconds * Stopwatch.Frequency);
        while (Stopwatch.GetTimestamp() < end)
        {
            for (var i = 0; i < Times; i++)
                ticks[i] = -Stopwatch.GetTimestamp() + Stopwatch.GetTimestamp();
            Array.Sort(ticks, 0, Times);
            var clock = ticks[Times / 2];
            for (var i = 0; i < Times; i++)
            {
                var random = _random = Next(_random);
                ref var range = ref _live[(int)((random & uint.MaxValue) * LiveRanges >> 32)];
                var start = Stopwatch.GetTimestamp();
                _space.Free(new Iova(range & ~(Page - 1)), (range & (Page - 1)) * Page);
                var between = Stopwatch.GetTimestamp();
                range = Take(1 + (uint)(random >> 59));
                ticks[2 * i] = between - start;
                ticks[(2 * i) + 1] = Stopwatch.GetTimestamp() - between;
            }

            Array.Sort(ticks);
            best = Math.Min(best, (ticks[2 * Times * 999 / 1000] - clock) * 1e9 / Stopwatch.Frequency);
        }

        return best;
    }

    /// <summary>Two threads in one space, each with ranges of its own.</summary>
    public static Pair Two()
    {
        var space = new IovaSpace(Page, new Iova(uint.MaxValue));
        var first = new IovaWork(space, 1);
        IovaWork? second = null;
        return new Pair(first.FreeAndTake, times => (second ??= new IovaWork(space, 2)).FreeAndTake(times));
    }

    private uint Take(uint pages) =>
        _space.TryAllocate(pages * Page, new Iova(uint.MaxValue), out var start) ? (uint)start.Value | pages
            : throw new InvalidOperationException("the space is full");

    private static ulong Next(ulong random)
    {
        random ^= random << 13;
        random ^= random >> 7;
        return random ^ (random << 17);
    }
}
