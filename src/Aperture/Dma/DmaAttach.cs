using System.Numerics;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Dma;

/// <summary>Chooses the operations of a device when it is attached.</summary>
internal static class DmaAttach
{
    /// <summary>Gives a device its operations: through its group's default domain, or direct where there is none or it is identity.</summary>
    public static void Attach(Device device, IommuCore core, SystemMemory memory)
    {
        DmaOperations operations = device.Iommu?.Group.DefaultDomain is { IsPaging: true } domain
            ? Through(domain, memory)
            : new DirectOperations(memory);
        device.Dma.Attach(operations, memory, core.Trace);
    }

    /// <summary>The operations through a domain. All devices in a domain share its device addresses.</summary>
    public static IommuOperations Through(IommuDomain domain, SystemMemory memory) => new(domain, SpaceOf(domain), memory);

    private static IovaSpace SpaceOf(IommuDomain domain)
    {
        lock (domain)
        {
            if (domain.Space is { } known)
                return known;
            var space = new IovaSpace(1UL << BitOperations.TrailingZeroCount(domain.PageSizes), domain.ApertureEnd);
            space.Reserve(default, domain.ApertureStart.Value);
            return domain.Space = space;
        }
    }
}
