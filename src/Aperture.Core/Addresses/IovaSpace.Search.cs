using System.Numerics;

namespace Aperture.Core.Addresses;

// What is free, for messages and for those who need the same addresses in several spaces.
public sealed partial class IovaSpace
{
    /// <summary>What is left up to an address, for messages.</summary>
    /// <param name="limit">The highest address that counts.</param>
    public IovaRoom Measure(Iova limit)
    {
        var end = Math.Min((limit.Value >> _pageShift) + (((limit.Value & _offsetMask) + 1) >> _pageShift), _pages);
        var holes = new IovaHoles(end);
        lock (_lock)
        {
            HoldCaches();
            holes.Add(Tree.Root, 0);
            ReleaseCaches();
        }

        return new IovaRoom((end - holes.Free) << _pageShift, holes.Free << _pageShift, holes.Longest << _pageShift);
    }

    /// <summary>Finds the lowest free range from an address on, at a multiple of its size rounded up to a power of two, that far free. It
    /// is not taken: it may be gone
    /// before <see cref="TryTake"/>.</summary>
    /// <param name="bytes">At least 1.</param>
    /// <param name="from">Where it begins at the earliest.</param>
    /// <param name="limit">The highest address that the last byte may have.</param>
    /// <param name="start">The first byte.</param>
    /// <returns>False when there is none.</returns>
    public bool TryFindNext(ulong bytes, Iova from, Iova limit, out Iova start)
    {
        start = default;
        var pages = Pages(bytes);
        var first = (from.Value >> _pageShift) + ((from.Value & _offsetMask) == 0 ? 0UL : 1);
        if (pages == 0 || first >= _pages)
            return false;
        lock (_lock)
        {
            HoldCaches();
            var isFound = IovaNextFree.TryFind(Tree.Root, BitOperations.Log2(BitOperations.RoundUpToPowerOf2(pages)), first, out var page);
            ReleaseCaches();
            start = new Iova(page << _pageShift);
            return isFound && start.Value <= limit.Value && bytes - 1 <= limit.Value - start.Value;
        }
    }
}
