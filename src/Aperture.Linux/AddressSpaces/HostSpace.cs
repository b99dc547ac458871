using Aperture.Core;
using Aperture.Iommu.Recorded;

namespace Aperture.Linux.AddressSpaces;

/// <summary>One group of devices and the address space that they have in the kernel: what each kernel interface provides, and all that
/// domains and devices here know of it. Physical addresses are addresses of this process; mapping pins the memory.</summary>
internal abstract class HostSpace : RecordedSpace
{
    /// <summary>How many more mappings the space takes; null where the kernel does not say.</summary>
    public abstract uint? AvailableMappings { get; }

    /// <summary>Opens a device of the group.</summary>
    /// <param name="address">Its PCI address, for example <c>0000:00:04.0</c>.</param>
    /// <exception cref="ApertureException">The kernel refuses.</exception>
    public abstract Vfio.VfioDevice OpenDevice(string address);
}
