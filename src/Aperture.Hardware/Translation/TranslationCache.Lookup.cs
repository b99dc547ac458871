using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Aperture.Core;

namespace Aperture.Hardware.Translation;

/// <content>Finding entries: by a hint without a lock, by search with it.</content>
public sealed unsafe partial class TranslationCache
{
    private const int Hints = 1024; // slots; a power of two

    // Where pages were found last: two entries a hint, the later in the low half. A hint is never trusted: the entry itself says whether
    // it matches, and whether another may match as well.
    private const int HintBytes = Hints * sizeof(uint);

    /// <summary>Finds the entry that alone translates an address, if a hint leads to it: the quick way of a hit, for any number of threads
    /// at once and without a count. What it does not find may be there all the same: <see cref="Lookup"/> knows.</summary>
    /// <param name="tag">The number of the tag.</param>
    /// <param name="address">Any byte of the page.</param>
    /// <param name="result">Where the address leads.</param>
    /// <param name="info">The word that the owner keeps with the entry.</param>
    /// <param name="index">The entry, which may be another translation's by now.</param>
    /// <returns>Whether it was found; if not, the rest says nothing.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryFind(uint tag, Iova address, out TranslationResult result, out ulong info, out int index) =>
        TryFind(tag, address, out result, out info, out _, out index);

    /// <summary>The same for owners that keep two words.</summary>
    /// <param name="tag">The number of the tag.</param>
    /// <param name="address">Any byte of the page.</param>
    /// <param name="result">Where the address leads.</param>
    /// <param name="info">The word that the owner keeps with the entry.</param>
    /// <param name="more">The other one.</param>
    /// <param name="index">The entry, which may be another translation's by now.</param>
    /// <returns>Whether it was found; if not, the rest says nothing.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryFind(uint tag, Iova address, out TranslationResult result, out ulong info, out ulong more, out int index)
    {
        var entry = FindEntry(Lines, tag, SaltOf(tag), address, out var state);
        if (entry is null)
        {
            result = default;
            info = more = 0;
            index = 0;
            return false;
        }

        index = WholeOf((int)(entry - (Entry*)(_lines + HintBytes)));
        result = entry->Translate(address);
        info = entry->Info;
        more = entry->More;
        Volatile.ReadBarrier();
        var isStill = state == entry->State;
        GC.KeepAlive(this); // the entries go with it
        return isStill;
    }

    /// <summary>What a tag adds to the slot of a page: neighbouring pages of a tag lie in neighbouring slots, and those of neighbouring
    /// tags sixteen further.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static uint SaltOf(uint tag) => (tag << 4) ^ tag ^ (tag >> 16);

    /// <summary>Finds what <see cref="TryFind(uint, Iova, out TranslationResult, out ulong, out int)"/> finds.</summary>
    /// <param name="lines">What <see cref="Lines"/> says of a living cache.</param>
    /// <param name="tag">The number of the tag.</param>
    /// <param name="salt">What <see cref="SaltOf"/> says of it.</param>
    /// <param name="address">Any byte of the page.</param>
    /// <param name="state">The state of the entry: what was read of it holds if it is still this afterwards.</param>
    /// <returns>The entry; null for none.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Entry* FindEntry(nint lines, uint tag, uint salt, Iova address, out ulong state)
    {
        var hint = ((uint*)lines)[SlotOf(salt, address)];
        var entry = (Entry*)(lines + HintBytes) + (hint & 0xFFFF);
        state = Volatile.Read(ref entry->State);
        if (entry->Is(tag, address, state))
            return entry;
        entry = (Entry*)(lines + HintBytes) + (hint >> 16);
        state = Volatile.Read(ref entry->State);
        return entry->Is(tag, address, state) ? entry : null;
    }

    /// <summary>Whether the time of an entry's last use is kept: who finds by
    /// <see cref="TryFind(uint, Iova, out TranslationResult, out ulong, out int)"/>
    /// then says so (<see cref="Touch"/>).</summary>
    public bool CountsUses => _used is not null;

    /// <summary>Notes that a translation found by <see cref="TryFind(uint, Iova, out TranslationResult, out ulong, out int)"/> was
    /// used.</summary>
    /// <param name="index">The entry.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Touch(int index)
    {
        if (_used is { } used)
            used[index] = ++_clock;
    }

    /// <summary>Finds the entry that translates an address.</summary>
    /// <param name="tag">The number of the tag.</param>
    /// <param name="address">Any byte of the page.</param>
    /// <param name="index">The entry, or -1. Of several matching entries the lowest.</param>
    /// <returns>How many entries match: 0, 1, or 2 for "more than one".</returns>
    public int Lookup(uint tag, Iova address, out int index)
    {
        CheckGuard();
        var count = FindAll(tag, address, out index);
        if (count == 1)
        {
            Hits++;
            Touch(index);
            if (Table[index].Overlaps == 0)
                Hint(tag, address, index);
        }
        else if (count == 0)
        {
            Misses++;
            (_missedTag, _missedPage) = (tag, address.Value & SmallestMask);
        }

        return count;
    }

    /// <summary>Like <see cref="Lookup"/>, but leaves counters and replacement order alone.</summary>
    public int Probe(uint tag, Iova address, out int index) => FindAll(tag, address, out index);

    /// <summary>Whether an entry of a tag lies in the page of some size around an address.</summary>
    /// <param name="tag">The number of the tag.</param>
    /// <param name="tagMask">Which bits of it count.</param>
    /// <param name="address">The address.</param>
    /// <param name="shift">Log2 of the size.</param>
    public bool HoldsPartOf(uint tag, uint tagMask, Iova address, int shift)
    {
        CheckGuard();
        var mask = ~((1UL << shift) - 1);
        for (var start = 0; start < Entries; start += 64)
        {
            var matches = Matches(address.Value & mask, mask, start, Math.Min(start + 64, Entries));
            for (; matches != 0; matches &= matches - 1)
            {
                ref readonly var entry = ref Table[start + BitOperations.TrailingZeroCount(matches)];
                if (entry.IsValid && entry.Mask >= mask && ((entry.Tag ^ tag) & entry.TagMask & tagMask) == 0)
                    return true;
            }
        }

        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static nint SlotOf(uint salt, Iova address) => (nint)(((uint)(address.Value >> SmallestShift) ^ salt) & (Hints - 1));

    private void Hint(uint tag, Iova address, int index)
    {
        ref var hint = ref HintTable[(int)SlotOf(SaltOf(tag), address)];
        if ((hint & 0xFFFF) != (uint)index)
            hint = (hint << 16) | (uint)index;
    }

    private int FindAll(uint tag, Iova address, out int index)
    {
        index = -1;
        if (!MayHold(tag, address))
            return 0;
        return _setMask == 0 ? Find(tag, address, out index) : FindInSets(tag, address, out index);
    }

    /// <summary>Pages of every size may lie in different sets. Each size in use is looked for in its set, and only entries of that size
    /// count there, so that two sizes that share a set do not count an entry twice.</summary>
    private int FindInSets(uint tag, Iova address, out int index)
    {
        index = -1;
        var count = 0;
        for (var shifts = _shiftsUsed; shifts != 0; shifts &= shifts - 1)
        {
            var shift = BitOperations.TrailingZeroCount(shifts);
            var start = SetOf(address, shift) * _ways;
            for (var i = start; i < start + _ways; i++)
            {
                if (!IsMatch(i, tag, address) || PageShift(i) != shift)
                    continue;
                index = count == 0 ? i : Math.Min(i, index);
                count++;
            }
        }

        return Math.Min(count, 2);
    }

    private int Find(uint tag, Iova address, out int index)
    {
        index = -1;
        var count = 0;
        for (var start = 0; start < Entries; start += 64)
        {
            var matches = Matches(address.Value & SmallestMask, ulong.MaxValue, start, Math.Min(start + 64, Entries));
            for (; matches != 0; matches &= matches - 1)
            {
                var i = start + BitOperations.TrailingZeroCount(matches);
                if (((Table[i].Tag ^ tag) & Table[i].TagMask) != 0)
                    continue;
                if (count++ == 0)
                    index = i;
                else
                    return 2;
            }
        }

        return count;
    }

    private bool IsMatch(int index, uint tag, Iova address)
    {
        ref readonly var entry = ref Table[index];
        return ((entry.Page ^ (address.Value & SmallestMask)) & entry.Mask) == 0 && ((entry.Tag ^ tag) & entry.TagMask) == 0;
    }

    /// <summary>Bit n says whether the page of entry <paramref name="start"/> + n is alike in the bits that both compare; at most 64
    /// entries.</summary>
    private ulong Matches(ulong page, ulong mask, int start, int end)
    {
        ulong matches = 0;
        var i = start;
        ref var pages = ref MemoryMarshal.GetArrayDataReference(_pages);
        ref var masks = ref MemoryMarshal.GetArrayDataReference(_masks);
        if (Vector256.IsHardwareAccelerated)
        {
            var (keys, compared) = (Vector256.Create(page), Vector256.Create(mask));
            for (; i + Vector256<ulong>.Count <= end; i += Vector256<ulong>.Count)
            {
                var difference = (keys ^ Vector256.LoadUnsafe(ref pages, (nuint)i)) & Vector256.LoadUnsafe(ref masks, (nuint)i) & compared;
                matches |= (ulong)Vector256.Equals(difference, Vector256<ulong>.Zero).ExtractMostSignificantBits() << (i - start);
            }
        }

        for (; i < end; i++)
        {
            if (((page ^ _pages[i]) & _masks[i] & mask) == 0)
                matches |= 1UL << (i - start);
        }

        return matches;
    }
}
