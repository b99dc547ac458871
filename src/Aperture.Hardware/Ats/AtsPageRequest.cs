using Aperture.Core;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Ats;

/// <summary>A page request message of a device. Source: PCI Express 5.0, 10.4.1.</summary>
/// <param name="Requester">Who asks, with the process.</param>
/// <param name="Page">The page.</param>
/// <param name="Group">The page request group index, 0 to 511.</param>
/// <param name="IsRead">Whether it will be read.</param>
/// <param name="IsWritten">Whether it will be written. Neither, with a process and <paramref name="IsLast"/>: a stop marker.</param>
/// <param name="IsLast">Whether it ends its group, which is answered then.</param>
public readonly record struct AtsPageRequest(
    Requester Requester, Iova Page, uint Group, bool IsRead, bool IsWritten, bool IsLast);
