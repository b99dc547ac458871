using Aperture.Core;
using Aperture.Dma.Bounce;
using Aperture.Dma.Memory;
using Aperture.Dma.Operations;
using Aperture.Iommu;

namespace Aperture.Dma;

// Memory that a device may still reach because a unit failed: it stays where it is until the unit was programmed afresh.
public sealed partial class DmaContext
{
    /// <summary>Gives memory back that was unmapped, once no unit can reach it.</summary>
    private void GiveBack(AllocationSource source, MemoryBlock memory)
    {
        if (_domain is { IsQuarantining: true } domain)
            GiveBackLater(domain, source, memory);
        else
            source.Free(memory);
    }

    // By itself, because whoever has a closure makes it at once.
    private static void GiveBackLater(IommuDomain domain, AllocationSource source, MemoryBlock memory) =>
        domain.WhenInvalidated(() => source.Free(memory));

    /// <summary>Gives a bounce buffer back that was unmapped, once no unit can reach it.</summary>
    internal void Release(BouncePool pool, PhysicalAddress buffer)
    {
        if (_domain is { IsQuarantining: true } domain)
            ReleaseLater(domain, pool, buffer);
        else
            pool.Release(buffer);
    }

    private static void ReleaseLater(IommuDomain domain, BouncePool pool, PhysicalAddress buffer) =>
        domain.WhenInvalidated(() => pool.Release(buffer));

    /// <summary>Runs an action once no device in this one's address space can reach anything that was unmapped there so far: at once,
    /// unless an IOMMU failed and was not programmed afresh since. With deferred flush what waits is told first.</summary>
    /// <param name="action">Gives memory back whose unmap failed, for instance. It runs on the thread that brought the IOMMU back.</param>
    public void WhenUnreachable(Action action)
    {
        ArgumentNullException.ThrowIfNull(action);
        FlushUnmaps();
        if (_domain is { } domain)
            domain.WhenInvalidated(action);
        else
            action();
    }

    /// <summary>An unmap that a unit could not be told of.</summary>
    internal ApertureException NotInvalidated(Iova address, ulong bytes, Status status) => new(
        status,
        $"{_device.Name} may still reach 0x{bytes:x} bytes at device address {address}: they were unmapped, but an IOMMU could not be told "
        + $"({status}); the memory must not be used for anything else before it was programmed afresh");
}
