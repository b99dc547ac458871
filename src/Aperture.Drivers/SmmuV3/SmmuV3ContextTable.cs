using Aperture.Core.PageTables;
using Aperture.Datasheets.SmmuV3;

namespace Aperture.Drivers.SmmuV3;

/// <summary>The context descriptors of a master with processes, by substream: one array, or two levels whose second is made where it is
/// needed.</summary>
internal sealed class SmmuV3ContextTable
{
    private const int SmallLeafBits = 6;  // 4 KiB
    private const int LargeLeafBits = 10; // 64 KiB
    private const int SmallTableBits = 16; // more substreams have larger leaves

    private readonly ITableMemory _tables;
    private readonly int _addressBits;
    private readonly int _leafBits;       // the bits of a substream that index the second level; all of them where there is one
    private readonly SmmuV3Block _root;
    private readonly Dictionary<uint, SmmuV3Block> _leaves = []; // the second level, by place in the first

    private SmmuV3ContextTable(ITableMemory tables, int bits, int leafBits, int addressBits, SmmuV3Block root) =>
        (_tables, Bits, _leafBits, _addressBits, _root) = (tables, bits, leafBits, addressBits, root);

    /// <summary>Bits of a substream: S1CDMax.</summary>
    public int Bits { get; }

    /// <summary>S1Fmt.</summary>
    public uint Format => !IsTwoLevel ? 0u : _leafBits == SmallLeafBits ? 1u : 2u;

    /// <summary>S1ContextPtr.</summary>
    public ulong Root => _root.Address.Value;

    private bool IsTwoLevel => _leafBits < Bits;

    /// <summary>Makes an empty table.</summary>
    /// <param name="tables">Where memory comes from.</param>
    /// <param name="bits">Bits of a substream, 1 to 20.</param>
    /// <param name="hasTwoLevels">Whether the unit takes tables of two levels.</param>
    /// <param name="addressBits">Bits of the addresses that the unit reaches.</param>
    /// <returns>Null when there is no memory.</returns>
    public static SmmuV3ContextTable? TryMake(ITableMemory tables, int bits, bool hasTwoLevels, int addressBits)
    {
        var leafBits = !hasTwoLevels || bits <= SmallLeafBits ? bits : bits <= SmallTableBits ? SmallLeafBits : LargeLeafBits;
        var bytes = leafBits == bits ? SmmuV3Words.Bytes << bits : SmmuV3ContextDirectoryEntry.Bytes << (bits - leafBits);
        var root = SmmuV3Block.TryMake(tables, Math.Max(bytes, SmmuV3Words.Bytes), addressBits);
        return root is null ? null : new SmmuV3ContextTable(tables, bits, leafBits, addressBits, root);
    }

    /// <summary>Makes room for a substream.</summary>
    /// <param name="substream">The substream.</param>
    /// <param name="isNew">Whether there was none: the unit may remember that.</param>
    /// <returns>False when there is no memory.</returns>
    public bool TryReach(uint substream, out bool isNew)
    {
        isNew = IsTwoLevel && !_leaves.ContainsKey(substream >> _leafBits);
        if (!isNew)
            return true;
        if (SmmuV3Block.TryMake(_tables, SmmuV3Words.Bytes << _leafBits, _addressBits) is not { } leaf)
            return false;
        SetLeaf(substream >> _leafBits, leaf);
        return true;
    }

    /// <summary>A table with the same descriptors but for the first one. Both have the rest of the second level in common.</summary>
    /// <returns>Null when there is no memory; else the new one, and in <paramref name="retired"/> what of this one goes.</returns>
    public SmmuV3ContextTable? TryCopy(List<SmmuV3Block> retired)
    {
        if (TryMake(_tables, Bits, IsTwoLevel, _addressBits) is not { } copy)
            return null;
        if (!IsTwoLevel)
        {
            copy._root.CopyFrom(_root);
            retired.Add(_root);
            return copy;
        }

        if (!copy.TryReach(0, out _))
        {
            copy.Free();
            return null;
        }

        foreach (var (place, leaf) in _leaves)
        {
            if (place != 0)
                copy.SetLeaf(place, leaf);
        }

        if (_leaves.TryGetValue(0, out var first))
        {
            copy._leaves[0].CopyFrom(first);
            retired.Add(first);
        }

        retired.Add(_root);
        return copy;
    }

    /// <summary>Where the descriptor of a substream is written; <see cref="TryReach"/> made room for it.</summary>
    public (SmmuV3Block Block, int Offset) Find(uint substream)
    {
        var block = IsTwoLevel ? _leaves[substream >> _leafBits] : _root;
        return (block, (int)(substream & ((1u << _leafBits) - 1)) * SmmuV3Words.Bytes);
    }

    /// <summary>Writes a descriptor that no unit reads yet.</summary>
    public void Write(uint substream, in SmmuV3Words words)
    {
        var (block, offset) = Find(substream);
        for (var i = 0; i < SmmuV3Words.Count; i++)
            block.Store(offset + (i * sizeof(ulong)), words[i]);
        block.Clean(offset, SmmuV3Words.Bytes);
    }

    /// <summary>Makes all descriptors invalid that no unit reads.</summary>
    public void Clear()
    {
        if (!IsTwoLevel)
            _root.Clear();
        foreach (var leaf in _leaves.Values)
            leaf.Clear();
    }

    /// <summary>All of its memory.</summary>
    public IEnumerable<SmmuV3Block> Blocks => [_root, .. _leaves.Values];

    /// <summary>Gives all memory back.</summary>
    public void Free()
    {
        foreach (var block in Blocks)
            block.Free();
    }

    private void SetLeaf(uint place, SmmuV3Block leaf)
    {
        _leaves.Add(place, leaf);
        var offset = (int)place * SmmuV3ContextDirectoryEntry.Bytes;
        _root.Store(offset, SmmuV3ContextDirectoryEntry.Of(leaf.Address.Value).Value);
        _root.Clean(offset, SmmuV3ContextDirectoryEntry.Bytes);
    }
}
