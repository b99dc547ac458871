using Aperture.Core;

namespace Aperture.Devices;

/// <summary>A register access that nothing answered.</summary>
/// <param name="region">The region's name.</param>
/// <param name="offset">Byte offset into the region.</param>
/// <param name="isWrite">Whether it was a write.</param>
/// <param name="reason">Why, where that is known.</param>
public sealed class BusErrorException(string region, uint offset, bool isWrite, string reason = "the device is off, in reset or not there")
    : ApertureException(
        Status.IoError, $"bus error: {(isWrite ? "write to" : "read of")} {region} offset 0x{offset:x} was not answered; {reason}")
{
    /// <summary>Byte offset into the region.</summary>
    public uint Offset { get; } = offset;

    /// <summary>Whether it was a write.</summary>
    public bool IsWrite { get; } = isWrite;
}
