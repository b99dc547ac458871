using System.Buffers;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Dma;

namespace Aperture.Linux.Memory;

/// <summary>Managed memory that stays where it is, so that a device can be given it.</summary>
public sealed unsafe class PinnedMemory : IDisposable
{
    private readonly HostMemory _memory;
    private readonly MemoryHandle _pin;
    private int _isDisposed;
    private int _holds = 1; // the owner's, and one for each mapping

    internal PinnedMemory(HostMemory memory, Memory<byte> bytes)
    {
        _memory = memory;
        _pin = bytes.Pin();
        Block = new MemoryBlock((byte*)_pin.Pointer, new PhysicalAddress((ulong)_pin.Pointer), bytes.Length);
        Range = new MemoryRange(Block.Address, (ulong)bytes.Length);
    }

    /// <summary>The memory, for the DMA API.</summary>
    public MemoryBlock Block { get; }

    /// <summary>Whether the memory can move no more.</summary>
    public bool IsPinned => Volatile.Read(ref _holds) > 0;

    internal MemoryRange Range { get; }

    /// <summary>Lets the memory go, now or when the last mapping ends.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
            Count(-1);
    }

    internal void Count(int by)
    {
        if (Interlocked.Add(ref _holds, by) != 0)
            return;
        _memory.Unpin(this);
        _pin.Dispose();
    }
}
