using System.Runtime.CompilerServices;
using Aperture.Core;

namespace Aperture.Hardware.Translation;

/// <content>What cannot be there: a look at a few counters tells most misses without comparing entries.</content>
public sealed partial class TranslationCache
{
    private const int SlotBits = 10;
    private const ulong Spread = 0x9E37_79B9_7F4A_7C15; // 2^64 over the golden ratio: neighbours come to lie far from each other

    private readonly int[] _present = new int[1 << SlotBits]; // valid entries by page and tag
    private Kind[] _kinds = [];                               // the masks that entries ever had: one for each size, and for global ones

    /// <summary>Whether an entry may match; if not, none does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool MayHold(uint tag, Iova address)
    {
        foreach (var kind in _kinds)
        {
            if (_present[PresenceOf(address.Value & kind.Mask, tag & kind.TagMask)] != 0)
                return true;
        }

        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Add(ulong page, ulong mask, uint tag, uint tagMask)
    {
        _present[PresenceOf(page, tag)]++;
        foreach (var kind in _kinds)
        {
            if (kind.Mask == mask && kind.TagMask == tagMask)
                return;
        }

        _kinds = [.. _kinds, new Kind(mask, tagMask)];
    }

    private void Remove(ulong page, uint tag) => _present[PresenceOf(page, tag)]--;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int PresenceOf(ulong page, uint tag) =>
        (int)(((page >> SmallestShift) ^ ((ulong)tag << 32) ^ tag) * Spread >> (64 - SlotBits));

    private readonly record struct Kind(ulong Mask, uint TagMask);
}
