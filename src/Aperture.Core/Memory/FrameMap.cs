using System.Numerics;

namespace Aperture.Core.Memory;

/// <summary>A set of small numbers that finds its lowest member at or above a number quickly: a bitmap with bitmaps of its words
/// above it, 64 to 1.</summary>
internal sealed class FrameMap
{
    private readonly ulong[][] _levels; // [0] one bit per number; [n] one bit per word of [n - 1] that is not zero

    public FrameMap(int capacity)
    {
        var levels = new List<ulong[]>();
        do
        {
            capacity = (capacity + 63) / 64;
            levels.Add(new ulong[Math.Max(capacity, 1)]);
        }
        while (capacity > 1);
        _levels = [.. levels];
    }

    public bool Contains(int number) =>
        number >> 6 < _levels[0].Length && (_levels[0][number >> 6] & (1UL << (number & 63))) != 0;

    public void Add(int number)
    {
        foreach (var words in _levels)
        {
            ref var word = ref words[number >> 6];
            var was = word;
            word |= 1UL << (number & 63);
            if (was != 0)
                return;
            number >>= 6;
        }
    }

    public void Remove(int number)
    {
        foreach (var words in _levels)
        {
            ref var word = ref words[number >> 6];
            word &= ~(1UL << (number & 63));
            if (word != 0)
                return;
            number >>= 6;
        }
    }

    /// <summary>The lowest member that is at least <paramref name="from"/>, or -1.</summary>
    public int FindFrom(int from)
    {
        var level = 0;
        while (level < _levels.Length)
        {
            var words = _levels[level];
            if (from >> 6 >= words.Length)
                return -1;
            var word = words[from >> 6] & (ulong.MaxValue << (from & 63));
            if (word == 0)
            {
                from = (from >> 6) + 1;
                level++;
                continue;
            }

            from = (from & ~63) | BitOperations.TrailingZeroCount(word);
            while (level > 0)
            {
                level--;
                from = (from << 6) | BitOperations.TrailingZeroCount(_levels[level][from]);
            }

            return from;
        }

        return -1;
    }
}
