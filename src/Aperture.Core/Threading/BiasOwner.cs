using System.Runtime.CompilerServices;

namespace Aperture.Core.Threading;

/// <summary>One ownership of something biased: by which thread, and whether it is inside. Each ownership has an object of its own, so that
/// a thread which still believes to be the owner says so where nobody looks any more.</summary>
/// <remarks>
/// The owner knows itself by its stack: no two living threads have locals within a page of each other, as a page that nobody may touch
/// lies at the end of each stack. That is quicker than to ask for the thread. A place where the owner was seen is remembered; further away
/// than a page it asks. When the owner has ended another thread may get its
/// stack, and the ownership with it: the operating system has put the end of the one before the beginning of the other.
/// </remarks>
/// <param name="thread">The owner; null for nobody.</param>
internal sealed unsafe class BiasOwner(ThreadRecord? thread) : LineApart
{
    /// <summary>There is no owner: the next thread becomes it.</summary>
    public static readonly BiasOwner Nobody = new(null);

    /// <summary>There never will be one again.</summary>
    public static readonly BiasOwner Everybody = new(null);

    private const nuint PageSize = 4096; // no system has smaller pages
    private const uint SeldomMask = 15;  // a thread that is at home in two places keeps to one of them

    /// <summary>The owner.</summary>
    public readonly ThreadRecord? Thread = thread;

    /// <summary>How often the owner was inside: a measure of what the bias saves. Written by the owner only.</summary>
    public uint Entries;

    private bool _isInside;               // written by the owner only, as a constant: entering waits for no earlier store

    private nuint _seen = nuint.MaxValue; // a page below where the owner was seen on its stack; written by the owner only
    private uint _elsewhere;              // how often it was somewhere else

    // Nobody reads it: it keeps the object behind, perhaps another owner's, out of the same cache line.
#pragma warning disable IDE0051, CS0169, CS0414
    private Line _behind;
#pragma warning restore IDE0051, CS0169, CS0414

    /// <summary>Whether the owner is inside, as its own thread sees it, or after a process-wide barrier any.</summary>
    public bool IsInside => Volatile.Read(ref _isInside);

    /// <summary>Says that the owner is inside. Whether it still is the owner has to be looked at afterwards.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Enter() => Volatile.Write(ref _isInside, true);

    /// <summary>Says that the owner is outside.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Leave()
    {
        Entries++;
        Volatile.Write(ref _isInside, false);
    }

    /// <summary>Whether the calling thread is surely the owner. It may be all the same when it is not sure.</summary>
    /// <param name="local">Something on the caller's stack.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsSurely(void* local)
    {
        var isThere = (nuint)local - _seen < 2 * PageSize;
#if DEBUG
        // asserts know exactly who holds a lock: nothing is taken over from a thread that has ended
        isThere &= Thread == ThreadRecord.Current;
#endif
        return isThere;
    }

    /// <summary>Whether the calling thread is the owner.</summary>
    /// <param name="local">Something on the caller's stack.</param>
    public bool Is(void* local)
    {
        if (Thread != ThreadRecord.Current)
            return IsSurely(local);
        if ((_elsewhere++ & SeldomMask) == 0)
            _seen = (nuint)local - PageSize;
        return true;
    }

    [InlineArray(8)]
    private struct Line
    {
        private long _first;
    }
}
