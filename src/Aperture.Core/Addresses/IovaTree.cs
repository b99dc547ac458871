using System.Numerics;

namespace Aperture.Core.Addresses;

/// <summary>Which pages of a space are taken: a tree of nodes of 64 parts, each of which knows the largest free block in it. A search goes
/// straight down to a place. Nodes appear where single pages are taken and stay.</summary>
/// <remarks>Not thread-safe, but for <see cref="FindLeaf"/>.</remarks>
internal sealed class IovaTree
{
    /// <summary>Free pages outside free blocks of this order count as scattered: 2 MiB of pages of 4 KiB, the usual large page.</summary>
    public const int LargeOrder = 9;

    private readonly IovaBranch _root;
    private readonly IovaLeaf?[] _low; // the leaves of the first pages, where nearly all ranges lie, as far as somebody asked for them
    private readonly ulong _pages;

    /// <summary>A tree of which only page zero is taken.</summary>
    /// <param name="pages">Number of pages.</param>
    /// <param name="low">Gets the first leaves once somebody asked for them: a short way to them.</param>
    public IovaTree(ulong pages, IovaLeaf?[] low)
    {
        _pages = pages;
        _low = low;
        var level = 2;
        while (pages - 1 >> (6 * level) >= 64)
            level++;
        _root = new IovaBranch(level, false);
        _root.Mark(pages, 1UL << (6 * (level + 1)), true);
        TakenPages = _root.Mark(0, 1, true);
    }

    /// <summary>Pages that are taken.</summary>
    public ulong TakenPages { get; private set; }

    /// <summary>The whole, and what lies behind the last page, which is taken.</summary>
    public IovaNode Root => _root;

    /// <summary>Pages that are free but lie in no free block of <see cref="LargeOrder"/>.</summary>
    public ulong ScatteredPages => Scattered(_root);

    /// <summary>The leaf of a page if there is one. Any thread may ask.</summary>
    /// <param name="page">Any number.</param>
    public IovaLeaf? FindLeaf(ulong page)
    {
        if (page >= _pages)
            return null;
        IovaNode? node = _root;
        while (node is IovaBranch branch)
            node = branch.Find((int)(page >> branch.Shift) & 63);
        var index = page >> IovaLeaf.PagesShift;
        if (node is not null && index < (ulong)_low.Length)
            _low[index] = (IovaLeaf)node;
        return (IovaLeaf?)node;
    }

    /// <summary>Gives the leaf of a page to a cache, if it is nobody's.</summary>
    /// <param name="page">A page in a leaf that exists.</param>
    /// <param name="cache">The cache.</param>
    /// <returns>The leaf.</returns>
    public IovaLeaf Claim(ulong page, IovaCache cache)
    {
        var branch = _root;
        while (!branch.HasLeaves)
            branch = (IovaBranch)branch.Find((int)(page >> branch.Shift) & 63)!;
        return branch.Claim((int)(page >> branch.Shift) & 63, cache);
    }

    /// <summary>Takes pages, or frees them.</summary>
    public void Mark(ulong page, ulong pages, bool isTaken)
    {
        var changed = _root.Mark(page, page + pages, isTaken);
        TakenPages = isTaken ? TakenPages + changed : TakenPages - changed;
    }

    /// <summary>Whether all of some pages are free.</summary>
    public bool IsFree(ulong page, ulong pages) => _root.IsFree(page, page + pages);

    /// <summary>Looks for free pages at a multiple of their number rounded up to a power of two.</summary>
    /// <param name="pages">How many.</param>
    /// <param name="end">The first page that must not be among them.</param>
    /// <param name="from">Where to begin looking; what lies before comes last.</param>
    /// <param name="owner">The number of a cache, for not more pages than a leaf has in a word: leaves of others are left alone. Zero:
    /// anywhere.</param>
    /// <param name="page">The first of them.</param>
    /// <returns>False when there are none.</returns>
    public bool TryFind(ulong pages, ulong end, ulong from, byte owner, out ulong page)
    {
        page = 0;
        if (pages == 0 || pages > _pages)
            return false;
        var order = BitOperations.Log2(pages);
        if (BitOperations.IsPow2(pages))
            return TryFind(_root, pages, order, order + 1, end, from, owner, out page);
        // A block that is free as a whole first, because the tree knows where one is; then one whose first pages suffice.
        order++;
        return TryFind(_root, pages, order, order + 1, end, from, owner, out page) || TryFind(_root, pages, order, order, end, from, owner,
            out page);
    }

    /// <summary>Looks in a node, all of whose numbers count from its own start.</summary>
    /// <param name="node">The node.</param>
    /// <param name="pages">How many pages.</param>
    /// <param name="order">They start at a multiple of 2 to the power of this.</param>
    /// <param name="value">What a part must have free to be looked into.</param>
    /// <param name="end">The first page that must not be among them.</param>
    /// <param name="from">Where to begin looking.</param>
    /// <param name="owner">Zero, or whose leaves it may look into beside those of nobody.</param>
    /// <param name="page">The first of them.</param>
    private static bool TryFind(IovaNode node, ulong pages, int order, int value, ulong end, ulong from, byte owner, out ulong page)
    {
        var shift = node.Shift;
        if (order >= shift)
            return TryFindParts(node, pages, order, end, from, out page);
        var first = (int)(from >> shift) & 63;
        var fit = node.AtLeast(value);
        if (owner != 0 && node is IovaBranch { HasLeaves: true } lowest)
            fit &= lowest.LeavesFor(owner);
        for (var parts = BitOperations.RotateRight(fit, first); parts != 0; parts &= parts - 1)
        {
            var part = (BitOperations.TrailingZeroCount(parts) + first) & 63;
            var start = (ulong)part << shift;
            if (start >= end)
                continue;
            var found = node is IovaLeaf leaf
                ? leaf.TryFind(part, (int)pages, order, end - start, out page)
                : TryFind(((IovaBranch)node).Child(part), pages, order, value, end - start,
                    part == first ? from & ((1UL << shift) - 1) : 0, owner, out page);
            page += start;
            if (found)
                return true;
        }

        page = 0;
        return false;
    }

    /// <summary>Looks for several whole parts of a node that follow each other, and the beginning of one more where the number of pages is
    /// not a multiple.</summary>
    private static bool TryFindParts(IovaNode node, ulong pages, int order, ulong end, ulong from, out ulong page)
    {
        page = 0;
        var shift = node.Shift;
        if (order - shift > 6)
            return false;
        var count = (int)(pages >> shift);
        var rest = pages & ((1UL << shift) - 1);
        var free = node.AtLeast(count > 0 ? node.Whole : order); // without a whole part: parts with a free first half
        var first = (int)(from >> shift) & 63 & -(1 << (order - shift));
        var places = BitOperations.RotateRight(IovaOrders.Runs(free, Math.Max(count, 1), order - shift), first);
        for (; places != 0; places &= places - 1)
        {
            var part = (BitOperations.TrailingZeroCount(places) + first) & 63;
            page = (ulong)part << shift;
            if (page + pages <= end && (rest == 0 || node.IsFree(part + count, 0, rest)))
                return true;
        }

        return false;
    }

    private static ulong Scattered(IovaBranch branch)
    {
        ulong scattered = 0;
        for (var part = 0; part < 64; part++)
        {
            if (branch.Find(part) is IovaLeaf leaf)
                scattered += leaf.Scattered();
            else if (branch.Find(part) is IovaBranch below)
                scattered += Scattered(below);
        }

        return scattered;
    }
}
