using System.Runtime.CompilerServices;

namespace Aperture.Core.Addresses;

/// <summary>A node whose parts are nodes. A part that was free or taken as a whole ever since needs none.</summary>
internal sealed class IovaBranch : IovaNode
{
    private Nodes _nodes;
    private IovaOrders _owners; // numbers of the caches whose leaves they are

    /// <summary>A branch.</summary>
    /// <param name="level">At least 2.</param>
    /// <param name="isTaken">Whether all of it is taken, or all free.</param>
    public IovaBranch(int level, bool isTaken)
        : base(level) => base.Fill(isTaken);

    /// <summary>Whether the parts are leaves.</summary>
    public bool HasLeaves => Level == 2;

    /// <summary>The leaves, as a mask, that are nobody's or a cache's.</summary>
    /// <param name="owner">The cache's number.</param>
    public ulong LeavesFor(byte owner) => _owners.Equal(0) | _owners.Equal(owner);

    /// <summary>Gives a leaf to a cache, if it is nobody's.</summary>
    public IovaLeaf Claim(int part, IovaCache cache)
    {
        var leaf = (IovaLeaf)_nodes[part]!;
        if (leaf.Cache is null)
        {
            leaf.Cache = cache;
            _owners[part] = cache.Number;
        }

        return leaf;
    }

    /// <summary>The node of a part, if there is one. Any thread may ask: a node stays once it is there.</summary>
    public IovaNode? Find(int part) => _nodes[part];

    /// <summary>The node of a part.</summary>
    public IovaNode Child(int part) => _nodes[part] ??= HasLeaves ? new IovaLeaf(Orders[part] == 0) : new IovaBranch(Level - 1,
        Orders[part] == 0);

    public override ulong Mark(int part, ulong from, ulong to, bool isTaken)
    {
        var size = 1UL << Shift;
        var then = isTaken ? (byte)0 : Whole;
        if (Orders[part] == then)
            return 0;
        if (to - from == size && Orders[part] == (isTaken ? Whole : 0))
        {
            Orders[part] = then;
            _nodes[part]?.Fill(isTaken);
            return size;
        }

        var node = Child(part);
        var changed = node.Mark(from, to, isTaken);
        Orders[part] = node.Largest;
        return changed;
    }

    public override bool IsFree(int part, ulong from, ulong to) =>
        Orders[part] == Whole || (Orders[part] != 0 && _nodes[part]!.IsFree(from, to));

    public override void Fill(bool isTaken)
    {
        base.Fill(isTaken);
        foreach (var node in _nodes)
            node?.Fill(isTaken);
    }

    [InlineArray(64)]
    private struct Nodes
    {
        private IovaNode? _first;
    }
}
