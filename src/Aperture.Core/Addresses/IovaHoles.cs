using System.Numerics;

namespace Aperture.Core.Addresses;

/// <summary>Measures what is free in a tree of device addresses, from the lowest page on. For messages: it looks at all that was ever
/// taken.</summary>
/// <param name="end">The first page that does not count.</param>
internal struct IovaHoles(ulong end)
{
    private ulong _run; // free pages right before the place that was reached

    /// <summary>Free pages.</summary>
    public ulong Free { get; private set; }

    /// <summary>The longest run of them.</summary>
    public ulong Longest { get; private set; }

    /// <summary>Goes through a node.</summary>
    /// <param name="node">The node.</param>
    /// <param name="start">Its first page.</param>
    public void Add(IovaNode node, ulong start)
    {
        for (var part = 0; part < 64; part++)
        {
            var first = start + ((ulong)part << node.Shift);
            if (first >= end)
                return;
            if (node[part] == node.Whole || node[part] == 0)
                AddRun(Math.Min(1UL << node.Shift, end - first), node[part] != 0);
            else if (node is IovaBranch branch)
                Add(branch.Find(part)!, first);
            else
                AddWord(((IovaLeaf)node).FreePages(part), Math.Min(64, end - first));
        }
    }

    private void AddWord(ulong free, ulong count)
    {
        for (ulong page = 0; page < count;)
        {
            var isFree = (free >> (int)page & 1) != 0;
            var length = (ulong)BitOperations.TrailingZeroCount(isFree ? ~free >> (int)page : free >> (int)page);
            length = Math.Min(length, count - page);
            AddRun(length, isFree);
            page += length;
        }
    }

    private void AddRun(ulong pages, bool isFree)
    {
        _run = isFree ? _run + pages : 0;
        Free += isFree ? pages : 0;
        Longest = Math.Max(Longest, _run);
    }
}
