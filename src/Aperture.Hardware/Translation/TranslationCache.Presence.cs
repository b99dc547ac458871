using System.Runtime.CompilerServices;

namespace Aperture.Hardware.Translation;

/// <content>What cannot be there: a look at a few counters tells most misses without comparing entries.</content>
public sealed partial class TranslationCache
{
    private const int SlotBits = 10;
    private const ulong Spread = 0x9E37_79B9_7F4A_7C15; // 2^64 over the golden ratio: neighbours come to lie far from each other

    private readonly ushort[] _present = new ushort[1 << SlotBits]; // valid entries by their tag
    private ulong[] _kinds = [];                                    // the masks that entries ever had: one for each size, and for global ones

    /// <summary>Whether an entry may match; if not, none does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool MayHold(ulong key)
    {
        foreach (var mask in _kinds)
        {
            if (_present[PresenceOf(key & mask)] != 0)
                return true;
        }

        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Add(ulong tag, ulong mask)
    {
        _present[PresenceOf(tag)]++;
        foreach (var kind in _kinds)
        {
            if (kind == mask)
                return;
        }

        _kinds = [.. _kinds, mask];
    }

    private void Remove(ulong tag) => _present[PresenceOf(tag)]--;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int PresenceOf(ulong tag) => (int)(tag * Spread >> (64 - SlotBits));
}
