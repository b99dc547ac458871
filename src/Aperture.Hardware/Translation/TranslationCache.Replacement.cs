using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Aperture.Hardware.Translation;

/// <content>Which entry a new translation replaces.</content>
public sealed partial class TranslationCache
{
    private int Victim(int set, int firstWay)
    {
        var start = set * _ways;
        if (_invalid != 0 && FirstInvalid(set, firstWay) is var invalid && invalid < _ways)
            return start + invalid;

        if (_used is null)
        {
            var way = Math.Max(_next[set], firstWay);
            _next[set] = way + 1 == _ways ? 0 : way + 1;
            return start + way;
        }

        return Oldest(start + firstWay, _ways - firstWay);
    }

    /// <summary>The first way from one on that holds nothing; the number of ways where there is none. Each way is looked at once until
    /// one before it becomes invalid.</summary>
    private int FirstInvalid(int set, int firstWay)
    {
        var way = Math.Max(firstWay, _valid[set]);
        while (way < _ways && Table[(set * _ways) + way].IsValid)
            way++;
        if (firstWay <= _valid[set])
            _valid[set] = way;
        return way;
    }

    [MethodImpl(MethodImplOptions.NoInlining)] // of caches that count uses; the other policy needs no call
    private int Oldest(int first, int count)
    {
        // Times are far below 2^63, so that the cheaper signed comparison gives the same.
        var uses = MemoryMarshal.Cast<ulong, long>(_used.AsSpan(first, count));
        var oldest = long.MaxValue;
        var i = 0;
        if (Vector256.IsHardwareAccelerated && uses.Length >= Vector256<long>.Count)
        {
            var least = Vector256.Create(oldest);
            for (; i + Vector256<long>.Count <= uses.Length; i += Vector256<long>.Count)
                least = Vector256.Min(least, Vector256.Create(uses[i..]));
            oldest = Math.Min(Math.Min(least[0], least[1]), Math.Min(least[2], least[3]));
        }

        for (; i < uses.Length; i++)
            oldest = Math.Min(oldest, uses[i]);
        return first + uses.IndexOf(oldest);
    }
}
