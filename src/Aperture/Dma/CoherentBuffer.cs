using Aperture.Core;

namespace Aperture.Dma;

/// <summary>Memory that the CPU and a device see alike at any time. Dispose it once to give it back.</summary>
public readonly struct CoherentBuffer : IDisposable, IEquatable<CoherentBuffer>
{
    private readonly DmaContext? _context;

    internal CoherentBuffer(DmaContext context, MemoryBlock memory, Iova address, ulong mapped, DmaAttributes attributes)
    {
        _context = context;
        Memory = memory;
        Address = address;
        Mapped = mapped;
        Attributes = attributes;
    }

    /// <summary>The memory.</summary>
    public MemoryBlock Memory { get; }

    /// <summary>The bytes.</summary>
    public Span<byte> Span => Memory.Span;

    /// <summary>Where the device finds it.</summary>
    public Iova Address { get; }

    /// <summary>Bytes.</summary>
    public int Length => Memory.Length;

    /// <summary>Bytes of device address space that it takes.</summary>
    internal ulong Mapped { get; }

    /// <summary>What was wished for.</summary>
    internal DmaAttributes Attributes { get; }

    /// <summary>Gives the memory back. The device must not use it any more.</summary>
    public void Dispose() => _context?.Free(this);

    /// <inheritdoc/>
    public bool Equals(CoherentBuffer other) => _context == other._context && Memory == other.Memory && Address == other.Address;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is CoherentBuffer other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Memory, Address);

    /// <summary>Whether both are the same allocation.</summary>
    public static bool operator ==(CoherentBuffer left, CoherentBuffer right) => left.Equals(right);

    /// <summary>Whether they are different allocations.</summary>
    public static bool operator !=(CoherentBuffer left, CoherentBuffer right) => !left.Equals(right);
}
