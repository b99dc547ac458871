using Aperture.Core;
using Aperture.Dma.Memory;

namespace Aperture.Dma.Bounce;

/// <summary>What a bounce buffer is needed for.</summary>
internal readonly unsafe struct BounceRequest
{
    /// <summary>Whom it is for.</summary>
    public required DmaContext Owner { get; init; }

    /// <summary>The bytes to mirror; null for memory that has no other.</summary>
    public byte* Origin { get; init; }

    /// <summary>The address whose low bits the buffer must keep as far as <see cref="MinAlignMask"/> says.</summary>
    public ulong OriginAddress { get; init; }

    /// <summary>Bytes.</summary>
    public required ulong Length { get; init; }

    /// <summary>The whole buffer starts at a multiple of this plus one, and fills one.</summary>
    public ulong AllocAlignMask { get; init; }

    /// <summary>The low address bits that the device wants kept.</summary>
    public ulong MinAlignMask { get; init; }

    /// <summary>The buffer does not cross a multiple of this plus one; all ones for no such boundary.</summary>
    public ulong Boundary { get; init; }

    /// <summary>The highest device address where device addresses are the bus's: the owner must be able to name the buffer. Null behind an
    /// IOMMU, where memory may lie anywhere.</summary>
    public required Iova? Limit { get; init; }

    /// <summary>Whether the device can use memory, and without crossing <see cref="Boundary"/>: by the device address that the bus's window
    /// for it gives.</summary>
    public bool Allows(PhysicalAddress start, ulong bytes)
    {
        if (Limit is not { } limit)
            return true;
        return Owner.TryToDevice(start, bytes, limit, out var address)
            && (address.Value & ~Boundary) == ((address.Value + (bytes - 1)) & ~Boundary);
    }

    /// <summary>Whether the device can name all of some memory.</summary>
    public bool Reaches(MemoryBlock memory) => Limit is not { } limit
        || Owner.TryToDevice(memory.Address, (ulong)memory.Length, limit, out _);
}
