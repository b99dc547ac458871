using System.Runtime.CompilerServices;

namespace Aperture.Core.Addresses;

/// <summary>Which cache a thread used last, by the page of its stack: found without asking which thread it is, and without a look at
/// anything that another thread writes all the time. Any number of threads at once; what is found is a guess, and the lock of the cache
/// says whether it is right.</summary>
internal sealed unsafe class IovaHomes
{
    private const int PageShift = 12; // no system has smaller pages
    private const int PlaceBits = 6;
    private const ulong Spread = 0x9E37_79B9_7F4A_7C15; // 2^64 over the golden ratio: stacks lie at equal distances

    private Homes _homes;

    /// <summary>The cache of the thread that had a local in this page of memory.</summary>
    /// <param name="local">Something on the caller's stack.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public IovaCache? Find(void* local)
    {
        ref var home = ref HomeOf(local);
        return home.Page == PageOf(local) ? home.Cache : null;
    }

    /// <summary>Notes the cache of the calling thread, unless the place is another's who may be living: it is let alone then, but for one
    /// time in many, so that two threads with one place do not drive each other out.</summary>
    /// <param name="local">Something on the caller's stack.</param>
    /// <param name="cache">Its cache, which it holds.</param>
    public void Note(void* local, IovaCache cache)
    {
        ref var home = ref HomeOf(local);
        if (home.Cache is { } other && other != cache && !cache.IsLongAway())
            return;
        home.Cache = cache;
        home.Page = PageOf(local);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref Home HomeOf(void* local) =>
        ref Unsafe.Add(ref Unsafe.As<Homes, Home>(ref _homes), (nint)(PageOf(local) * Spread >> (64 - PlaceBits)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong PageOf(void* local) => (ulong)local >> PageShift;

    private struct Home
    {
        public ulong Page;
        public IovaCache? Cache;
    }

    [InlineArray(1 << PlaceBits)]
    private struct Homes
    {
        private Home _first;
    }
}
