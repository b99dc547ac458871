using System.Runtime.CompilerServices;

namespace Aperture.Dma;

/// <summary>A node whose parts are nodes. A part that was free or taken as a whole ever since needs none.</summary>
internal sealed class IovaBranch : IovaNode
{
    private Nodes _nodes;

    /// <summary>A branch.</summary>
    /// <param name="level">At least 2.</param>
    /// <param name="isTaken">Whether all of it is taken, or all free.</param>
    public IovaBranch(int level, bool isTaken)
        : base(level) => base.Fill(isTaken);

    /// <summary>The node of a part, if there is one. Any thread may ask: a node stays once it is there.</summary>
    public IovaNode? Find(int part) => _nodes[part];

    /// <summary>The node of a part.</summary>
    public IovaNode Child(int part) => _nodes[part] ??= Level == 2 ? new IovaLeaf(Orders[part] == 0) : new IovaBranch(Level - 1, Orders[part] == 0);

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
