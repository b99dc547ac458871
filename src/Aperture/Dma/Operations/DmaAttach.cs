using System.Collections.Immutable;
using System.Numerics;
using Aperture.Core;
using Aperture.Core.Addresses;
using Aperture.Devices;
using Aperture.DeviceTrees;
using Aperture.Dma.Bounce;
using Aperture.Dma.Flush;
using Aperture.Dma.Meters;
using Aperture.Iommu;

namespace Aperture.Dma.Operations;

/// <summary>Chooses the operations of a device when it is attached.</summary>
internal static class DmaAttach
{
    /// <summary>Gives a device its operations: through its group's default domain, or without one.</summary>
    public static void Attach(Device device, IommuCore core, DmaPlatform platform) =>
        device.Dma.Attach(platform, device.Iommu?.Group.DefaultDomain is { IsPaging: true } domain ? domain : null, core.Trace);

    /// <summary>The operations for a device as it is described, with the masks that it has now.</summary>
    public static DmaOperations Choose(DmaContext context, DmaPlatform platform, IommuDomain? domain)
    {
        var description = context.Device.Description;
        if (!description.CanDma)
            return NoOperations.Instance;
        if (domain is not null)
        {
            var through = Through(context, domain, platform, description.IsUntrusted);
            return description.IsUntrusted || platform.Memory.IsConfidential
                ? new BounceOperations(through, context.BouncePool, false, through.Granule, description.IsUntrusted) : through;
        }

        if (description.BouncePool is { } restricted)
            return new BounceOperations(DirectOperations.Instance, restricted, true, 1, false);
        return platform.ForceBounce || platform.Memory.IsConfidential || !context.CanReachAll(platform)
            ? new BounceOperations(DirectOperations.Instance, platform.BouncePool, platform.ForceBounce, 1, false)
            : DirectOperations.Instance;
    }

    /// <summary>The operations through a domain. All devices in a domain share its device addresses.</summary>
    private static IommuOperations Through(DmaContext context, IommuDomain domain, DmaPlatform platform, bool isStrict)
    {
        lock (domain)
        {
            if (domain.Space is null)
            {
                var space = new IovaSpace(1UL << BitOperations.TrailingZeroCount(domain.PageSizes), domain.ApertureEnd);
                domain.Reserve(space);
                domain.Space = space;
                DmaMeter.Watch(domain, context.DeviceName);
                foreach (var master in context.Device.Iommu?.Group.Masters ?? [])
                    ReserveOutside(space, master.Device.Description.DmaRanges);
            }

            ReserveOutside(domain.Space, context.Device.Description.DmaRanges);

            if (domain.Type == DomainType.DmaDeferred)
                domain.Queue ??= new FlushQueue(domain, domain.Space, platform.Time);
            return new IommuOperations(domain, domain.Space, isStrict ? null : (FlushQueue?)domain.Queue);
        }
    }

    /// <summary>Keeps the addresses below and between the windows of a device's buses from being given out: they would not get to the unit.
    /// Those above are out by the device's limit. Masters of a group share their addresses, so each has what all buses pass.</summary>
    private static void ReserveOutside(IovaSpace space, ImmutableArray<DmaRange> windows)
    {
        ulong next = 0; // the first byte that no window so far reaches
        foreach (var window in windows.OrderBy(window => window.Dma))
        {
            if (window.Dma > next)
                space.Reserve(new Iova(next), window.Dma - next);
            var end = window.Dma + window.Length;
            if (end <= window.Dma)
                return; // up to the end of 64 bits
            next = Math.Max(next, end);
        }
    }
}
