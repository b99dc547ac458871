namespace Aperture.Linux.Pci;

/// <summary>How a device of the host is opened.</summary>
public sealed record HostDeviceOptions
{
    /// <summary>Which interrupts it gets.</summary>
    public InterruptKind Interrupts { get; init; } = InterruptKind.Best;

    /// <summary>How many of them at most. Default 32.</summary>
    public int MaxInterrupts { get; init; } = 32;

    /// <summary>Whether the device may see what shares pages with its buffers. If not, which is the default, buffers that do not fill
    /// pages are copied to and from bounce buffers that do.</summary>
    public bool SharesPages { get; init; }

    /// <summary>Whether a device without an IOMMU may be opened, in the kernel's no-IOMMU mode. Nothing confines such a device: it
    /// reaches all memory of the machine, and so does a driver's mistake. Registers, configuration space, interrupts and reset work;
    /// every map is refused, because a device address would be a physical one and the kernel keeps no page where it is. A device that has
    /// an IOMMU is opened with it all the same.</summary>
    public bool UnsafeNoIommu { get; init; }
}
