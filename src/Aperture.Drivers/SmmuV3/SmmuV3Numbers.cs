using System.Numerics;

namespace Aperture.Drivers.SmmuV3;

/// <summary>Numbers from 1 on that are given out, the lowest free one first: address spaces, or virtual machines.</summary>
/// <param name="last">The largest one.</param>
internal sealed class SmmuV3Numbers(int last)
{
    private readonly ulong[] _taken = [1, .. new ulong[last / 64]]; // a bit for each number; 0 is nobody's

    /// <summary>Takes the lowest free number.</summary>
    /// <returns>0 when there is none.</returns>
    public int Take()
    {
        for (var i = 0; i < _taken.Length; i++)
        {
            if (_taken[i] == ulong.MaxValue)
                continue;
            var number = (i * 64) + BitOperations.TrailingZeroCount(~_taken[i]);
            if (number > last)
                return 0;
            _taken[i] |= 1UL << (number % 64);
            return number;
        }

        return 0;
    }

    /// <summary>Gives a number back.</summary>
    public void Give(int number) => _taken[number / 64] &= ~(1UL << (number % 64));
}
