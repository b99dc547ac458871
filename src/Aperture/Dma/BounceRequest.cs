using Aperture.Core;

namespace Aperture.Dma;

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

    /// <summary>What the device adds to a physical address.</summary>
    public ulong DeviceOffset { get; init; }

    /// <summary>The highest physical address that the device reaches.</summary>
    public required PhysicalAddress Highest { get; init; }
}
