using Aperture.Core.PageTables;
using Aperture.Datasheets.SmmuV3;

namespace Aperture.Drivers.SmmuV3;

/// <summary>The stream table: one array, or two levels whose second is made where it is needed.</summary>
internal sealed class SmmuV3StreamTable
{
    private readonly ITableMemory _tables;
    private readonly int _addressBits;
    private readonly bool _isTwoLevel;
    private readonly int _bits;
    private readonly SmmuV3Block _root;
    private readonly Dictionary<uint, SmmuV3Block> _leaves = []; // the second level, by place in the first

    /// <summary>An empty table: no stream has a valid entry.</summary>
    /// <exception cref="Core.ApertureException">No memory.</exception>
    public SmmuV3StreamTable(ITableMemory tables, SmmuV3Identity unit)
    {
        (_tables, _addressBits, _isTwoLevel, _bits) = (tables, unit.OutputBits, unit.HasTwoLevelStreams, unit.StreamBits);
        var bytes = _isTwoLevel
            ? SmmuV3StreamDirectoryEntry.Bytes << (_bits - SmmuV3Identity.Split)
            : SmmuV3Words.Bytes << _bits;
        _root = SmmuV3Block.Make(tables, Math.Max(bytes, SmmuV3Words.Bytes), _addressBits, $"a table of 2^{_bits} streams");
    }

    /// <summary>SMMU_STRTAB_BASE.</summary>
    public ulong Base => _root.Address.Value | SmmuV3QueueBase.AllocateHint;

    /// <summary>SMMU_STRTAB_BASE_CFG.</summary>
    public uint Config => (_isTwoLevel ? SmmuV3StreamTableConfig.TwoLevel(_bits, SmmuV3Identity.Split)
        : SmmuV3StreamTableConfig.Linear(_bits)).Value;

    /// <summary>Makes room for a stream.</summary>
    /// <param name="stream">The stream, below 2^bits.</param>
    /// <param name="isNew">Whether there was none: the unit may remember that.</param>
    /// <returns>False when there is no memory.</returns>
    public bool TryReach(uint stream, out bool isNew)
    {
        var place = stream >> SmmuV3Identity.Split;
        isNew = _isTwoLevel && !_leaves.ContainsKey(place);
        if (!isNew)
            return true;
        if (SmmuV3Block.TryMake(_tables, SmmuV3Words.Bytes << SmmuV3Identity.Split, _addressBits) is not { } leaf)
            return false;
        _leaves.Add(place, leaf);
        var offset = (int)place * SmmuV3StreamDirectoryEntry.Bytes;
        _root.Store(offset, SmmuV3StreamDirectoryEntry.Of(leaf.Address.Value, SmmuV3Identity.Split + 1).Value);
        _root.Clean(offset, SmmuV3StreamDirectoryEntry.Bytes);
        return true;
    }

    /// <summary>Where the entry of a stream is written; <see cref="TryReach"/> made room for it.</summary>
    public (SmmuV3Block Block, int Offset) Find(uint stream) => _isTwoLevel
        ? (_leaves[stream >> SmmuV3Identity.Split], (int)(stream & ((1u << SmmuV3Identity.Split) - 1)) * SmmuV3Words.Bytes)
        : (_root, (int)stream * SmmuV3Words.Bytes);

    /// <summary>Writes an entry that no unit reads.</summary>
    public void Write(uint stream, in SmmuV3Words words)
    {
        var (block, offset) = Find(stream);
        for (var i = 0; i < SmmuV3Words.Count; i++)
            block.Store(offset + (i * sizeof(ulong)), words[i]);
        block.Clean(offset, SmmuV3Words.Bytes);
    }

    /// <summary>Gives memory back.</summary>
    public void Free()
    {
        foreach (var leaf in _leaves.Values)
            leaf.Free();
        _root.Free();
    }
}
