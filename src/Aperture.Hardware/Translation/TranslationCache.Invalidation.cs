using System.Numerics;
using Aperture.Core;

namespace Aperture.Hardware.Translation;

/// <content>Removing entries.</content>
public sealed partial class TranslationCache
{
    /// <summary>Removes one entry.</summary>
    /// <returns>Whether it was valid.</returns>
    public bool Invalidate(int index)
    {
        CheckGuard();
        ref var entry = ref Table[index];
        if (!entry.IsValid)
            return false;
        Detach(index, ref entry);
        Clear(index);
        _invalid++;
        var set = _setMask == 0 ? 0 : index / _ways;
        _valid[set] = Math.Min(_valid[set], index - (set * _ways));
        Invalidations++;
        return true;
    }

    /// <summary>Removes every entry that a look-up of an address could find, whatever its size; global ones as well.</summary>
    /// <returns>How many were removed.</returns>
    public int InvalidateAddress(uint tag, Iova address)
    {
        if (!MayHold(tag, address))
            return 0;
        var removed = 0;
        for (var start = 0; start < Entries; start += 64)
        {
            var matches = Matches(address.Value & SmallestMask, ulong.MaxValue, start, Math.Min(start + 64, Entries));
            for (; matches != 0; matches &= matches - 1)
            {
                var i = start + BitOperations.TrailingZeroCount(matches);
                if (IsMatch(i, tag, address) && Invalidate(i))
                    removed++;
            }
        }

        return removed;
    }

    /// <summary>Removes the entries that an invalidation means.</summary>
    /// <returns>How many were removed.</returns>
    public int Invalidate(in TlbInvalidation which)
    {
        var removed = 0;
        for (var i = which.FirstEntry; i < Entries && _invalid != Entries; i++)
        {
            ref readonly var entry = ref Table[i];
            if (entry.IsValid
                && ((entry.Tag ^ which.Tag) & entry.TagMask & which.TagMask) == 0
                && (which.IncludesGlobal || entry.TagMask == uint.MaxValue)
                && entry.Page <= which.Last.Value
                && (entry.Page | ~entry.Mask) >= which.First.Value
                && Invalidate(i))
            {
                removed++;
            }
        }

        return removed;
    }

    /// <summary>Removes everything.</summary>
    /// <returns>How many entries were removed.</returns>
    public int InvalidateAll()
    {
        var removed = 0;
        for (var i = 0; i < Entries && _invalid != Entries; i++)
        {
            if (Invalidate(i))
                removed++;
        }

        return removed;
    }
}
