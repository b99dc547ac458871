using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Aperture.Core;

namespace Aperture.Hardware.Translation;

/// <summary>Finding entries.</summary>
public sealed partial class TranslationCache
{
    private const int Recent = 256; // pages whose entry a lookup remembers; a power of two

    private readonly Found[] _recent = new Found[Recent]; // 4 KiB pages that lookups found alone, in the slot of the key
    private uint _generation = 1; // counts changes of entries: what was found before the last one is of no account
    private ulong _shiftsUsed;    // bit n: an entry of page size 2^n was written; says which sets may hold an address

    /// <summary>Finds the entry that translates an address.</summary>
    /// <param name="context">Context, 0 to 0xFFFFFE.</param>
    /// <param name="address">Any byte of the page; below 2^52.</param>
    /// <param name="index">The entry, or -1. Of several matching entries the lowest.</param>
    /// <returns>How many entries match: 0, 1, or 2 for "more than one".</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Lookup(uint context, Iova address, out int index)
    {
        var key = Key(context, address);
        ref var recent = ref _recent[SlotOf(key)];
        if (recent.Key != key || recent.Generation != _generation)
            return LookupAll(key, address, out index);
        index = recent.Index;
        Hits++;
        if (_policy == ReplacementPolicy.LeastRecentlyUsed)
            _used[index] = ++_clock;
        return 1;
    }

    /// <summary>Like <see cref="Lookup"/>, but leaves counters and replacement order alone.</summary>
    public int Probe(uint context, Iova address, out int index)
    {
        return FindAll(Key(context, address), address, out index);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Key(uint context, Iova address) => ((ulong)context << ContextShift) | (address.Value >> 12);

    /// <summary>Contexts remember the same sixteen pages in different slots, whether they are neighbours or sixteen apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int SlotOf(ulong key) => (int)(key ^ (key >> (ContextShift - 4)) ^ (key >> ContextShift)) & (Recent - 1);

    private void Forget()
    {
        if (++_generation != 0)
            return;
        Array.Clear(_recent);
        _generation = 1;
    }

    private int LookupAll(ulong key, Iova address, out int index)
    {
        var count = FindAll(key, address, out index);
        if (count == 1)
        {
            // Until an entry changes, this page of 4 KiB (the smallest size) is found there again, and only there: later
            // lookups need not compare all entries.
            _recent[SlotOf(key)] = new Found(key, index, _generation);
            Hits++;
            if (_policy == ReplacementPolicy.LeastRecentlyUsed)
                _used[index] = ++_clock;
        }
        else if (count == 0)
        {
            Misses++;
        }

        return count;
    }

    private int FindAll(ulong key, Iova address, out int index)
    {
        index = -1;
        if (!MayHold(key))
            return 0;
        return _setMask == 0 ? Find(key, out index) : FindInSets(key, address, out index);
    }

    /// <summary>Pages of every size may lie in different sets. Each size in use is looked for in its set, and only entries
    /// of that size count there, so that two sizes that share a set do not count an entry twice.</summary>
    private int FindInSets(ulong key, Iova address, out int index)
    {
        index = -1;
        var count = 0;
        for (var shifts = _shiftsUsed; shifts != 0; shifts &= shifts - 1)
        {
            var shift = BitOperations.TrailingZeroCount(shifts);
            var start = SetOf(address, shift) * _ways;
            for (var i = start; i < start + _ways; i++)
            {
                if (((key ^ _tags[i]) & _masks[i]) != 0 || _shifts[i] != shift)
                    continue;
                index = count == 0 ? i : Math.Min(i, index);
                count++;
            }
        }

        return Math.Min(count, 2);
    }

    private int Find(ulong key, out int index)
    {
        // Up to 64 entries at a time as one word of matches: no branch depends on where a match lies.
        index = -1;
        var count = 0;
        for (var start = 0; start < _tags.Length; start += 64)
        {
            var matches = Matches(key, start, Math.Min(start + 64, _tags.Length));
            if (matches == 0)
                continue;
            if (count == 0)
                index = start + BitOperations.TrailingZeroCount(matches);
            count += BitOperations.PopCount(matches);
        }

        return Math.Min(count, 2);
    }

    /// <summary>Bit n says whether entry <paramref name="start"/> + n matches; at most 64 entries.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong Matches(ulong key, int start, int end)
    {
        ulong matches = 0;
        var i = start;
        ref var tags = ref MemoryMarshal.GetArrayDataReference(_tags);
        ref var masks = ref MemoryMarshal.GetArrayDataReference(_masks);
        if (Vector256.IsHardwareAccelerated)
        {
            var keys = Vector256.Create(key);
            for (; i + Vector256<ulong>.Count <= end; i += Vector256<ulong>.Count)
            {
                var difference = (keys ^ Vector256.LoadUnsafe(ref tags, (nuint)i)) & Vector256.LoadUnsafe(ref masks, (nuint)i);
                matches |= (ulong)Vector256.Equals(difference, Vector256<ulong>.Zero).ExtractMostSignificantBits() << (i - start);
            }
        }

        for (; i < end; i++)
        {
            if (((key ^ _tags[i]) & _masks[i]) == 0)
                matches |= 1UL << (i - start);
        }

        return matches;
    }

    /// <summary>What a lookup found.</summary>
    private readonly record struct Found(ulong Key, int Index, uint Generation);
}
