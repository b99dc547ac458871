using System.Collections.Immutable;
using Aperture.Core;
using Aperture.DeviceTrees;
using Aperture.Dma.Bounce;
using Aperture.Dma.Memory;
using Aperture.Iommu;
using Aperture.Power;

namespace Aperture.Devices;

/// <summary>What a device's description says of drivers, suppliers and DMA. Whoever makes the device fills it in.</summary>
public sealed record DeviceDescription
{
    /// <summary>Nothing is known.</summary>
    public static DeviceDescription Empty { get; } = new();

    /// <summary>What the device is, the most specific name first.</summary>
    public IReadOnlyList<string> Compatible { get; init; } = [];

    /// <summary>Who it is to the IOMMUs that its DMA passes; <see cref="MasterIdentity.None"/> for a device with none in front.</summary>
    public MasterIdentity Identity { get; init; } = MasterIdentity.None;

    /// <summary>Its clocks, reset lines and power domains.</summary>
    public IReadOnlyList<GateSpecifier> Gates { get; init; } = [];

    /// <summary>What else must be bound before it, and active while it is.</summary>
    public IReadOnlyList<SupplierReference> Suppliers { get; init; } = [];

    /// <summary>Whether its DMA snoops the CPU's caches (<c>dma-coherent</c>): it sees what the CPU wrote, and the CPU what it wrote,
    /// without cache maintenance.</summary>
    public bool IsCoherent { get; init; }

    /// <summary>Whether it can do DMA at all.</summary>
    public bool CanDma { get; init; } = true;

    /// <summary>Whether it could be up to anything, like a device plugged into an outside port: behind an IOMMU it gets no page that holds
    /// other bytes than its own, and no unmap of its is deferred.</summary>
    public bool IsUntrusted { get; init; }

    /// <summary>The windows to memory of the buses in front of it (from <c>dma-ranges</c>); empty when its addresses are physical
    /// ones.</summary>
    public ImmutableArray<DmaRange> DmaRanges { get; init; } = [];

    /// <summary>The regions of reserved memory that it refers to, in order.</summary>
    public IReadOnlyList<DeviceRegion> MemoryRegions { get; init; } = [];

    /// <summary>Where its coherent memory comes from, and from nowhere else (<c>shared-dma-pool</c> with <c>no-map</c>); null for the
    /// machine's memory.</summary>
    public SystemMemory? CoherentPool { get; init; }

    /// <summary>Where its contiguous memory comes from, and from nowhere else (<c>shared-dma-pool</c> with <c>reusable</c>); null for the
    /// machine's.</summary>
    public SystemMemory? ContiguousArea { get; init; }

    /// <summary>The pool through which all of its DMA goes when no IOMMU is in front of it (<c>restricted-dma-pool</c>); null for
    /// none.</summary>
    public BouncePool? BouncePool { get; init; }

    /// <summary>The highest device address that the buses in front of it let through (from <c>dma-ranges</c>).</summary>
    public Iova DmaLimit { get; init; } = new(ulong.MaxValue);
}

/// <summary>A reference to another device.</summary>
/// <param name="Key">The other device's <see cref="Device.Key"/>.</param>
/// <param name="Name">Its name, for messages; needed where it never comes.</param>
public readonly record struct SupplierReference(object Key, string Name);
