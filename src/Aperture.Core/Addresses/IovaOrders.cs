using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Aperture.Core.Addresses;

/// <summary>What the 64 children of a node have free: for each one more than the order of its largest free block, zero for none. A block of
/// order <c>n</c> is 2^n pages at a multiple of its size.</summary>
[InlineArray(64)]
internal struct IovaOrders
{
    /// <summary>Bits at the multiples of 2^n, for n from 0 to 6.</summary>
    private static ReadOnlySpan<ulong> Multiples =>
        [ulong.MaxValue, 0x5555_5555_5555_5555, 0x1111_1111_1111_1111, 0x0101_0101_0101_0101, 0x0001_0001_0001_0001, 0x0000_0001_0000_0001,
            1];

    private byte _first;

    /// <summary>The same for all children.</summary>
    public void Fill(byte value) => Vector512.Create(value).StoreUnsafe(ref _first);

    /// <summary>The children, as a mask, whose value is at least <paramref name="value"/>.</summary>
    public readonly ulong AtLeast(int value) =>
        Vector512.GreaterThanOrEqual(Vector512.LoadUnsafe(in _first), Vector512.Create((byte)value)).ExtractMostSignificantBits();

    /// <summary>The children, as a mask, whose value is <paramref name="value"/>.</summary>
    public readonly ulong Equal(byte value) => Vector512.Equals(Vector512.LoadUnsafe(in _first),
        Vector512.Create(value)).ExtractMostSignificantBits();

    /// <summary>The value of all children together.</summary>
    /// <param name="whole">The value of a child that is free as a whole.</param>
    public readonly byte Together(byte whole)
    {
        var free = AtLeast(whole);
        if (free != 0)
            return (byte)(whole + LargestRun(free));
        var most = whole - 1;
        while (most > 0 && AtLeast(most) == 0)
            most--;
        return (byte)most;
    }

    /// <summary>The places at multiples of 2^<paramref name="order"/> from which on <paramref name="count"/> bits of a mask are
    /// set.</summary>
    /// <param name="mask">The mask.</param>
    /// <param name="count">1 to 64.</param>
    /// <param name="order">0 to 6.</param>
    public static ulong Runs(ulong mask, int count, int order)
    {
        var left = count - 1;
        for (var shift = 1; left > 0 && mask != 0; shift <<= 1)
        {
            var by = Math.Min(shift, left);
            mask &= mask >> by;
            left -= by;
        }

        return mask & Multiples[order];
    }

    /// <summary>The largest n for which 2^n bits of a mask are set from a multiple of 2^n on.</summary>
    /// <param name="mask">Not zero.</param>
    public static int LargestRun(ulong mask)
    {
        for (var order = 0; order < 6; order++)
        {
            mask &= (mask >> (1 << order)) & Multiples[order + 1];
            if (mask == 0)
                return order;
        }

        return 6;
    }

    /// <summary>The bits from <paramref name="from"/> up to, not including, <paramref name="to"/>.</summary>
    /// <param name="from">0 to 63.</param>
    /// <param name="to">1 to 64, more than <paramref name="from"/>.</param>
    public static ulong Bits(int from, int to) => (ulong.MaxValue >> (64 - (to - from))) << from;
}
