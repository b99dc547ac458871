using System.Numerics;

namespace Aperture.Drivers.SmmuV3;

/// <summary>A range of pages cut into pieces that one command names: a number of 1 to 32 times a power of two.</summary>
/// <remarks>Each piece takes the lowest five bits, from the lowest one that is set, so that no address has to be aligned. Source: IHI 0070,
/// 4.4.1.</remarks>
/// <param name="pages">How many pages are left.</param>
public ref struct SmmuV3Range(ulong pages)
{
    private const int MostNumber = 32;
    private const int MostScale = 31;

    /// <summary>Pages that are left.</summary>
    public ulong Left { get; private set; } = pages;

    /// <summary>How many pieces there are.</summary>
    /// <param name="pages">Pages of the granule.</param>
    public static int Count(ulong pages)
    {
        var range = new SmmuV3Range(pages);
        var count = 0;
        while (range.TryTake(out _, out _))
            count++;
        return count;
    }

    /// <summary>Takes the next piece, which follows the one before in the address space.</summary>
    /// <param name="number">1 to 32.</param>
    /// <param name="scale">0 to 31: number * 2^scale pages.</param>
    /// <returns>False when nothing is left.</returns>
    public bool TryTake(out int number, out int scale)
    {
        (number, scale) = (0, 0);
        if (Left == 0)
            return false;
        scale = Math.Min(BitOperations.TrailingZeroCount(Left), MostScale);
        var units = Left >> scale;
        number = scale == MostScale ? (int)Math.Min(units, MostNumber) : (int)(units & (MostNumber - 1));
        Left -= (ulong)number << scale;
        return true;
    }
}
