using Aperture.Core;

namespace Aperture.Dma;

/// <summary>A streaming mapping: the device owns the bytes until it is disposed, once.</summary>
public readonly record struct DmaMapping : IDisposable
{
    private readonly DmaContext? _context;

    internal DmaMapping(DmaContext context, Iova address, PhysicalAddress physical, ulong length, DmaDirection direction, DmaAttributes attributes)
    {
        _context = context;
        Address = address;
        Physical = physical;
        Length = length;
        Direction = direction;
        Attributes = attributes;
    }

    /// <summary>Where the device finds the first byte.</summary>
    public Iova Address { get; }

    /// <summary>Bytes.</summary>
    public ulong Length { get; }

    /// <summary>Which way the bytes go.</summary>
    public DmaDirection Direction { get; }

    /// <summary>The physical address of the first byte.</summary>
    internal PhysicalAddress Physical { get; }

    /// <summary>What was wished for.</summary>
    internal DmaAttributes Attributes { get; }

    /// <summary>Ends the mapping: the CPU owns the bytes again, the device cannot reach them any more.</summary>
    public void Dispose() => _context?.Unmap(this);
}
