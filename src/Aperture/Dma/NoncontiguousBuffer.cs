using Aperture.Core;

namespace Aperture.Dma;

/// <summary>Cached memory in pieces that the device sees as one range. Sync it around each use. One object on the managed heap for each.</summary>
public sealed class NoncontiguousBuffer : IDisposable
{
    private readonly DmaContext _context;
    private readonly MemoryBlock[] _pieces;
    private readonly ulong _mapped; // bytes of device addresses taken
    private bool _isGone;           // disposed

    internal NoncontiguousBuffer(DmaContext context, MemoryBlock[] pieces, Iova address, ulong mapped, int length, DmaDirection direction)
    {
        _context = context;
        _pieces = pieces;
        _mapped = mapped;
        Address = address;
        Length = length;
        Direction = direction;
    }

    /// <summary>Where the device finds the first byte.</summary>
    public Iova Address { get; }

    /// <summary>Bytes.</summary>
    public int Length { get; }

    /// <summary>Which way the bytes go.</summary>
    public DmaDirection Direction { get; }

    /// <summary>The pieces, in the order in which the device sees them: whole pages, the last one cut to the length.</summary>
    public ReadOnlySpan<MemoryBlock> Pieces => _pieces;

    /// <summary>Gives the bytes to the CPU for a while.</summary>
    public void SyncForCpu() => _context.SyncForCpu(Address, (ulong)Length, Direction);

    /// <summary>Gives the bytes back to the device.</summary>
    public void SyncForDevice() => _context.SyncForDevice(Address, (ulong)Length, Direction);

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        if (_isGone)
            return;
        _isGone = true;
        _context.FreeNoncontiguous(_pieces, Address, _mapped, Length);
    }
}
