using Aperture.Core;
using Aperture.Devices;

namespace Aperture.Iommu;

/// <summary>A device asks for a page before it goes on (PCI's Page Request Interface, a stall of an SMMU).</summary>
/// <param name="Unit">The unit that reported it.</param>
/// <param name="Device">The device.</param>
/// <param name="Pasid">The process; null for none.</param>
/// <param name="Group">The device's number for the requests that are answered together.</param>
/// <param name="Address">The page.</param>
/// <param name="Access">What the device wants to do: <see cref="Protection.Read"/>, <see cref="Protection.Write"/>,
/// <see cref="Protection.Privileged"/>; what it fetches as instructions has <paramref name="IsExecute"/>.</param>
/// <param name="IsExecute">Whether it fetches instructions.</param>
/// <param name="IsLast">Whether it is the last of its group: now they are answered.</param>
public readonly record struct PageRequest(
    IommuUnit Unit, Device Device, Pasid? Pasid, uint Group, Iova Address, Protection Access, bool IsExecute, bool IsLast);

/// <summary>What becomes of a group of page requests.</summary>
public enum PageResponseCode
{
    /// <summary>The pages are there: the device tries again.</summary>
    Success,

    /// <summary>They never will be: the device must not try again.</summary>
    Invalid,

    /// <summary>Something is wrong with the device or the domain: it must not ask any more.</summary>
    Failure,
}

/// <summary>The answer to a group of page requests.</summary>
/// <param name="Device">The device.</param>
/// <param name="Pasid">The process; null for none.</param>
/// <param name="Group">The device's number of the group.</param>
/// <param name="Code">What becomes of it.</param>
public readonly record struct PageResponse(Device Device, Pasid? Pasid, uint Group, PageResponseCode Code);

/// <summary>Decides about a group of page requests; may map, and may be called on any thread that takes a unit's interrupts.</summary>
/// <returns><see cref="FaultResponse.Retry"/>: the pages are there; <see cref="FaultResponse.Unhandled"/>: they never will be;
/// <see cref="FaultResponse.Deferred"/>: <see cref="PageRequestGroup.Respond"/> is called later.</returns>
public delegate FaultResponse PageRequestHandler(PageRequestGroup requests);
