using System.Runtime.CompilerServices;
using Aperture.Core.Threading;

namespace Aperture.Core.Addresses;

/// <summary>Ranges of one space that one thread at a time gives out and takes back, newest first, one stack for each number of pages. The
/// tree has them as taken. Itself the lock under which that happens, biased to the thread that has it for its own.</summary>
internal sealed unsafe class IovaCache : BiasedLockBase
{
    /// <summary>Ranges of up to so many pages are kept (recorded behaviour).</summary>
    public const int LargestRange = 32;

    private const int Depth = 256;     // ranges in a stack at most: as many as a deferred flush gives back at once
    private const int MostPages = 4096; // pages in a stack at most
    private const uint AwayMask = 255;
    private bool _isTaking; // whether the one who holds it takes a range
    private uint _away;     // how often its thread found it the long way
    private Stacks _stacks;

    /// <summary>A cache.</summary>
    /// <param name="number">See <see cref="Number"/>.</param>
    public IovaCache(byte number)
    {
        Number = number;
        ((Span<Stack>)_stacks).Fill(new Stack { Starts = [] });
    }

    /// <summary>Not zero, and another for each cache of a space (of up to 255): each looks for new ranges in leaves of its own.</summary>
    public byte Number { get; }

    /// <summary>Pages in it, as far as the calling thread knows.</summary>
    public ulong Pages
    {
        get
        {
            ulong sum = 0;
            for (var pages = 1; pages <= LargestRange; pages++)
                sum += (ulong)(pages * Volatile.Read(ref _stacks[pages].Count));
            return sum;
        }
    }

    /// <summary>Takes the cache, and waits for it: nobody keeps it for more than a few instructions.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Enter()
    {
        byte here;
        EnterBy(&here);
    }

    /// <summary>Takes the cache to take a range if it surely is the calling thread's own.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryEnterOwnToTake()
    {
        byte here;
        var isOwn = TryEnterBy(&here);
        if (isOwn)
            Volatile.Write(ref _isTaking, true);
        return isOwn;
    }

    /// <summary>Lets others have it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Exit() => ExitCore();

    /// <summary>Takes the cache to take a range; waits for those who bring some.</summary>
    /// <param name="thread">The calling thread's record.</param>
    /// <returns>False when another takes one: two threads have this cache for their own.</returns>
    public bool TryEnterToTake(ThreadRecord thread)
    {
        if (!TryEnterCore(thread))
        {
            if (Volatile.Read(ref _isTaking))
                return false;
            EnterCore(thread);
        }

        Volatile.Write(ref _isTaking, true);
        return true;
    }

    /// <summary>Lets others have what <see cref="TryEnterToTake"/> took.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void ExitTaken()
    {
        Volatile.Write(ref _isTaking, false);
        ExitCore();
    }

    /// <summary>Whether the thread that holds the cache has found it the long way so often that its home should be noted whoever's place it
    /// takes.</summary>
    public bool IsLongAway() => (++_away & AwayMask) == 0;

    /// <summary>Gives out a range: the newest that lies low enough.</summary>
    /// <param name="pages">At most <see cref="LargestRange"/>.</param>
    /// <param name="shift">The number of bytes in a page is 2 to the power of this.</param>
    /// <param name="limit">The highest address in it.</param>
    /// <returns>Its first page; zero when there is none.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Pop(int pages, int shift, ulong limit)
    {
        ref var stack = ref StackOf(pages);
        var starts = stack.Starts;
        var last = stack.Count - 1;
        if ((uint)last >= (uint)starts.Length)
            return 0;
        var page = starts[last];
        if (((page + (uint)pages) << shift) - 1 > limit)
            return PopBelow(ref stack, pages, shift, limit);
        stack.Count = last;
        return page;
    }

    /// <summary>Keeps a range.</summary>
    /// <returns>False when there is no room.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryPush(int pages, ulong page)
    {
        ref var stack = ref StackOf(pages);
        var starts = stack.Starts;
        var count = stack.Count;
        if ((uint)count >= (uint)starts.Length)
            return TryGrow(ref stack, pages) && TryPush(pages, page);
        starts[count] = page;
        stack.Count = count + 1;
        return true;
    }

    /// <summary>Gives all ranges to the tree.</summary>
    public void Empty(IovaTree tree)
    {
        for (var pages = 1; pages <= LargestRange; pages++)
        {
            ref var stack = ref _stacks[pages];
            for (; stack.Count > 0; stack.Count--)
                tree.Mark(stack.Starts[stack.Count - 1], (ulong)pages, false);
        }
    }

    /// <summary>Gives out a range below the newest, and puts that in its place.</summary>
    private static ulong PopBelow(ref Stack stack, int pages, int shift, ulong limit)
    {
        var last = stack.Count - 1;
        for (var i = last - 1; i >= 0; i--)
        {
            var page = stack.Starts[i];
            if (((page + (uint)pages) << shift) - 1 > limit)
                continue;
            stack.Starts[i] = stack.Starts[last];
            stack.Count = last;
            return page;
        }

        return 0;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryGrow(ref Stack stack, int pages)
    {
        if (stack.Count == Math.Min(Depth, MostPages / pages))
            return false;
        Array.Resize(ref stack.Starts, Math.Min(stack.Count == 0 ? 16 : stack.Count * 2, MostPages / pages));
        return true;
    }

    private ref Stack StackOf(int pages) => ref Unsafe.Add(ref Unsafe.As<Stacks, Stack>(ref _stacks), pages);

    private struct Stack
    {
        public ulong[] Starts; // grows up to what the stack may hold
        public int Count;      // how many of them are in use
    }

    /// <summary>Eight more than there are stacks, so that what changes in this cache shares no line with the cache behind it.</summary>
    [InlineArray(LargestRange + 1 + 8)]
    private struct Stacks
    {
        private Stack _first;
    }
}
