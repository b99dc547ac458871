namespace Aperture.Hardware.Exynos;

/// <summary>The erratum of version 3.x: which pages of recently walked blocks had fault descriptors. Direct-mapped by block.</summary>
internal sealed class FaultingPageCache
{
    private const int Slots = 16;
    private const uint Invalid = uint.MaxValue;

    private readonly uint[] _blocks = new uint[Slots];    // block number kept, or Invalid
    private readonly ulong[] _faulting = new ulong[Slots]; // one bit for each 4 KiB page of the block

    /// <param name="blockSize">Bytes of a block: 4 KiB to 256 KiB.</param>
    public FaultingPageCache(uint blockSize)
    {
        BlockSize = blockSize;
        Clear();
    }

    public uint BlockSize { get; }

    /// <summary>Whether the block of an address is remembered, and if so whether its page faults.</summary>
    public bool TryGet(uint address, out bool isFaulting)
    {
        var slot = Slot(address, out var block);
        isFaulting = (_faulting[slot] >> PageOf(address) & 1) != 0;
        return _blocks[slot] == block;
    }

    public void Set(uint address, ulong faulting)
    {
        var slot = Slot(address, out var block);
        _blocks[slot] = block;
        _faulting[slot] = faulting;
    }

    public void Remove(uint address)
    {
        var slot = Slot(address, out var block);
        if (_blocks[slot] == block)
            _blocks[slot] = Invalid;
    }

    public void Clear() => Array.Fill(_blocks, Invalid);

    private int PageOf(uint address) => (int)((address & (BlockSize - 1)) >> 12);

    private int Slot(uint address, out uint block)
    {
        block = address / BlockSize;
        return (int)(block % Slots);
    }
}
