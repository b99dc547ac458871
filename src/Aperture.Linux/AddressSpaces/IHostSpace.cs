using System.Collections.Immutable;
using Aperture.Core;

namespace Aperture.Linux.AddressSpaces;

/// <summary>One group of devices and the address space that they have in the kernel: what each kernel interface provides, and all that
/// domains and devices here know of it.</summary>
/// <remarks>Not thread-safe for overlapping device addresses; the kernel orders the rest.</remarks>
internal interface IHostSpace : IDisposable
{
    /// <summary>The group's name, for messages.</summary>
    string Name { get; }

    /// <summary>Page sizes, one bit each.</summary>
    ulong PageSizes { get; }

    /// <summary>The device addresses that can be mapped, lowest first: what the IOMMU can express without what the platform reserved, like
    /// the window of message-signalled interrupts.</summary>
    ImmutableArray<IovaRange> Ranges { get; }

    /// <summary>How many more mappings the space takes; null where the kernel does not say.</summary>
    uint? AvailableMappings { get; }

    /// <summary>Makes memory of this process reachable and pins it. All or nothing.</summary>
    /// <param name="iova">The device address, at a page.</param>
    /// <param name="address">The memory in this process, at a page.</param>
    /// <param name="size">Bytes, whole pages.</param>
    /// <param name="protection">Which of <see cref="Protection.Read"/> and <see cref="Protection.Write"/> the device may.</param>
    /// <returns><see cref="Status.NoDevice"/>: there is no IOMMU.</returns>
    Status Map(Iova iova, ulong address, ulong size, Protection protection);

    /// <summary>Removes the mappings that fill a range. None may be cut by its ends.</summary>
    /// <returns><see cref="Status.NotFound"/>: they do not fill it.</returns>
    Status Unmap(Iova iova, ulong size);

    /// <summary>Removes everything: the devices reach nothing afterwards.</summary>
    Status UnmapAll();

    /// <summary>Opens a device of the group.</summary>
    /// <param name="address">Its PCI address, for example <c>0000:00:04.0</c>.</param>
    /// <exception cref="ApertureException">The kernel refuses.</exception>
    Vfio.VfioDevice OpenDevice(string address);
}
