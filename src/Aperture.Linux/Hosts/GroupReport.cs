namespace Aperture.Linux.Hosts;

/// <summary>How the kernel drives an IOMMU group while its devices have drivers of the kernel's own. Domains of VFIO are their own: there
/// an unmap that returned has taken effect whatever this says.</summary>
/// <param name="Number">The group's number.</param>
/// <param name="Type">Type of the kernel's domain, in its word: <c>DMA</c>, <c>DMA-FQ</c>, <c>identity</c>; null where it does not
/// say.</param>
/// <param name="AddressBits">How many bits of a device address the unit translates, 1 to 64; null where the kernel does not say.</param>
/// <param name="Reserved">Device addresses that the platform keeps for itself.</param>
public sealed record GroupReport(int Number, string? Type, int? AddressBits, IReadOnlyList<ReservedRange> Reserved)
{
    /// <summary>Whether the kernel's unmaps are strict (<c>strict</c>: the device is cut off when the unmap returns), <c>lazy</c> (some
    /// time later, by a flush queue), or there is nothing to unmap (<c>passthrough</c>); null where the kernel does not say. The boot
    /// message about the policy is a default that units overrule.</summary>
    public string? Policy => Type switch
    {
        "DMA" => "strict",
        "DMA-FQ" => "lazy",
        "identity" => "passthrough",
        _ => null,
    };
}
