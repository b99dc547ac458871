using Aperture.Core;
using Aperture.Hardware.Translation;

namespace Aperture.Tool.Serve;

/// <summary>An access of a device that its unit did not let through.</summary>
/// <param name="Unit">The unit.</param>
/// <param name="Device">The device.</param>
/// <param name="Address">The first byte, as the device sees it.</param>
/// <param name="Length">Bytes.</param>
/// <param name="IsWrite">Whether it would have written.</param>
/// <param name="Status">Whether it was refused, is held back, or found nothing.</param>
/// <param name="Before">The last access to that page that went through; null if none did.</param>
/// <param name="Number">Which access of the device it was.</param>
internal sealed record FailedAccess(
    string Unit, string Device, Iova Address, int Length, bool IsWrite, DmaStatus Status, PageUse? Before, ulong Number)
{
    /// <summary>What happened, in a line.</summary>
    public string Fact => $"{Unit}: a {(IsWrite ? "write" : "read")} of {Length} bytes by {Device} at {Address} " + Status switch
    {
        DmaStatus.Stalled => "is held back",
        DmaStatus.Refused => "was refused",
        _ => "led to no memory",
    };

    /// <summary>What that means.</summary>
    public string Meaning => (Before, Status) switch
    {
        ({ } use, DmaStatus.BusError) => $"the page led to memory {Number - use.Number} accesses before (page 0x{use.PhysicalPage:x}): "
            + "memory that is not there any more, or a table that was overwritten",
        (null, DmaStatus.BusError) => "a table leads to where no memory is",
        ({ } use, _) => $"use after invalidation: the page was {(use.IsWrite ? "written" : "read")} {Number - use.Number} accesses before "
            + $"(page 0x{use.PhysicalPage:x}), and has been unmapped since, or is mapped otherwise",
        _ => "no table has mapped this page for the device as long as it was watched",
    };
}
