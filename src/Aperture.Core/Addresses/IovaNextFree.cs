using System.Numerics;

namespace Aperture.Core.Addresses;

/// <summary>Looks in a tree of device addresses for what is free next, in the order of the addresses.</summary>
internal static class IovaNextFree
{
    /// <summary>Finds the lowest free block of 2^<paramref name="order"/> pages at a multiple of its size.</summary>
    /// <param name="node">Where to look; all numbers count from its start.</param>
    /// <param name="order">0 to 63.</param>
    /// <param name="from">The block begins at this page or behind it.</param>
    /// <param name="page">Its first page.</param>
    /// <returns>False when there is none.</returns>
    public static bool TryFind(IovaNode node, int order, ulong from, out ulong page)
    {
        var shift = node.Shift;
        page = 0;
        if (order >= shift)
            return TryFindParts(node, order - shift, from, out page);
        if (from >> shift >= 64)
            return false;
        for (var parts = node.AtLeast(order + 1) & (ulong.MaxValue << (int)(from >> shift)); parts != 0; parts &= parts - 1)
        {
            var part = BitOperations.TrailingZeroCount(parts);
            var start = (ulong)part << shift;
            if (TryFindIn(node, part, order, from > start ? from - start : 0, out page))
            {
                page += start;
                return true;
            }
        }

        return false;
    }

    private static bool TryFindIn(IovaNode node, int part, int order, ulong from, out ulong page)
    {
        if (node is IovaBranch branch && node[part] != node.Whole)
            return TryFind(branch.Find(part)!, order, from, out page);
        var size = 1UL << order;
        for (page = (from + size - 1) & ~(size - 1); page < 1UL << node.Shift; page += size)
        {
            if (node.IsFree(part, page, page + size))
                return true;
        }

        return false;
    }

    /// <summary>Looks for parts that are free as a whole.</summary>
    private static bool TryFindParts(IovaNode node, int order, ulong from, out ulong page)
    {
        page = 0;
        var first = (from >> node.Shift) + ((from & ((1UL << node.Shift) - 1)) == 0 ? 0UL : 1);
        if (order > 6 || first >= 64)
            return false;
        var places = IovaOrders.Runs(node.AtLeast(node.Whole), 1 << order, order) & (ulong.MaxValue << (int)first);
        page = (ulong)BitOperations.TrailingZeroCount(places) << node.Shift;
        return places != 0;
    }
}
