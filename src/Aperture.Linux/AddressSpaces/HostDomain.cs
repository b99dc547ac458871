using System.Globalization;
using Aperture.Core;
using Aperture.Diagnostics;
using Aperture.Iommu;
using Aperture.Iommu.Recorded;
using Aperture.Linux.Memory;

namespace Aperture.Linux.AddressSpaces;

/// <summary>A domain whose tables the kernel keeps. Physical addresses are addresses of this process.</summary>
/// <param name="type"><see cref="DomainType.Unmanaged"/> or <see cref="DomainType.Dma"/>.</param>
/// <param name="like">A space like those where it will be in force.</param>
/// <param name="memory">The host's memory: counts what is mapped, so that nothing is freed while devices reach it.</param>
/// <param name="trace">Hears of maps and unmaps, or null.</param>
internal sealed class HostDomain(DomainType type, HostSpace like, HostMemory memory, DmaTrace? trace) : RecordedDomain(type, like, trace)
{
    /// <inheritdoc/>
    public override string? Explain(Status status) => status switch
    {
        Status.NoMemory => $"the kernel could not pin the memory: {LockedMemory.Describe()}",
        Status.NoSpace => string.Create(CultureInfo.InvariantCulture, $"{Where} has {Count} mappings and takes no more, ") +
            "or no device address is left: map larger pieces, or raise dma_entry_limit of the module vfio_iommu_type1",
        Status.BadAddress => "there is no memory of this process at the address, or it is not writable",
        Status.NoDevice => $"{Where} has no IOMMU: a device address would be a physical one, and the kernel keeps no page where it is; " +
            "use a device behind an IOMMU for DMA",
        _ => base.Explain(status),
    };

    /// <inheritdoc/>
    protected override void Hold(in RecordedMapping mapping) => memory.CountMapped(mapping.Address, mapping.Size);

    /// <inheritdoc/>
    protected override void Release(in RecordedMapping mapping) => memory.CountUnmapped(mapping.Address, mapping.Size);
}
