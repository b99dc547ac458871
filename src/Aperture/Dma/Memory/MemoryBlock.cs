using System.Diagnostics.CodeAnalysis;
using Aperture.Core;
using Aperture.Dma.Sanitizer;

namespace Aperture.Dma.Memory;

/// <summary>A piece of contiguous memory that a driver can touch and a device can be given: it knows where the CPU finds it
/// and by which number the owner of the address space knows it (on a simulated board the physical address).</summary>
/// <remarks>A plain value without ownership: it is void when the allocation behind it is freed.</remarks>
public readonly unsafe struct MemoryBlock : IEquatable<MemoryBlock>
{
    private readonly byte* _pointer;

    /// <summary>A block.</summary>
    /// <param name="pointer">Where the CPU finds it.</param>
    /// <param name="address">Its physical address.</param>
    /// <param name="length">Bytes.</param>
    public MemoryBlock(byte* pointer, PhysicalAddress address, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        _pointer = pointer;
        Address = address;
        Length = length;
    }

    /// <summary>The physical address of the first byte.</summary>
    public PhysicalAddress Address { get; }

    /// <summary>Bytes.</summary>
    public int Length { get; }

    /// <summary>The bytes.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NotPermitted"/>: the CPU has no view of them, as of raw page
    /// frames.</exception>
    public Span<byte> Span
    {
        get
        {
            if (_pointer is null && Length != 0)
                ThrowNoView();
            if (SpanWatch.IsOn)
                SpanWatch.Taken(_pointer, Address, Length);
            return new(_pointer, Length);
        }
    }

    /// <summary>Where the CPU finds the first byte; null for memory that it has no view of. For those who do not touch the bytes, or whose
    /// business it is.</summary>
    internal byte* Pointer => _pointer;

    /// <summary>Whether the CPU can touch the bytes.</summary>
    internal bool HasView => _pointer is not null;

    /// <summary>A part of the block.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The part is not inside.</exception>
    public MemoryBlock Slice(int start, int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)start, (uint)Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)length, (uint)(Length - start));
        return new MemoryBlock(_pointer is null ? null : _pointer + start, Address + (ulong)start, length);
    }

    [DoesNotReturn]
    private void ThrowNoView() =>
        throw new ApertureException(Status.NotPermitted, $"the CPU has no view of the 0x{Length:x} bytes at {Address}");

    /// <inheritdoc/>
    public bool Equals(MemoryBlock other) => _pointer == other._pointer && Length == other.Length && Address == other.Address;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is MemoryBlock other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine((nint)_pointer, Length);

    /// <summary>Whether both are the same bytes.</summary>
    public static bool operator ==(MemoryBlock left, MemoryBlock right) => left.Equals(right);

    /// <summary>Whether they are not the same bytes.</summary>
    public static bool operator !=(MemoryBlock left, MemoryBlock right) => !left.Equals(right);
}
