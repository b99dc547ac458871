using Aperture.Core;
using Aperture.Devices;

namespace Aperture.Dma.Sanitizer;

/// <summary>What a device did.</summary>
/// <param name="Device">The device.</param>
/// <param name="Address">The first byte, as the device sees it.</param>
/// <param name="Physical">Where it goes; of no account unless it does.</param>
/// <param name="Length">Bytes.</param>
/// <param name="IsWrite">Whether it writes.</param>
/// <param name="Outcome">What becomes of it.</param>
internal readonly record struct Access(
    Device Device, Iova Address, PhysicalAddress Physical, ulong Length, bool IsWrite, AccessOutcome Outcome)
{
    public bool IsDone => Outcome == AccessOutcome.Done;

    public ulong Last => Address.Value + (Length - 1);

    /// <summary>The beginning of a sentence.</summary>
    public string What => $"the device {(IsWrite ? "wrote" : "read")} 0x{Length:x} bytes at {Address}";

    /// <summary>What kept it, in words; null when nothing did.</summary>
    public string? Kept => Outcome switch
    {
        AccessOutcome.Done => null,
        AccessOutcome.Refused => Device.Iommu is null ? "and it was refused" : "and the IOMMU refused it",
        _ => "and no memory is there",
    };
}
