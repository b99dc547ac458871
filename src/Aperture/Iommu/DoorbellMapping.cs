using Aperture.Core;

namespace Aperture.Iommu;

/// <summary>The doorbell of message-signalled interrupts, as the masters of a group reach it. Until it is disposed.</summary>
public sealed class DoorbellMapping : IDisposable
{
    private readonly PhysicalAddress _page;
    private IommuDomain? _domain; // where it is mapped; null where nothing had to be, and afterwards

    internal DoorbellMapping(Iova address, IommuDomain? domain, PhysicalAddress page) =>
        (Address, _domain, _page) = (address, domain, page);

    /// <summary>What a master writes its message to.</summary>
    public Iova Address { get; }

    /// <summary>Lets it go; with the last one of its page the page is unmapped. A second time it does nothing.</summary>
    /// <exception cref="ApertureException">A unit could not be told, as for <see cref="IommuDomain.Unmap(Iova, ulong)"/>.</exception>
    public void Dispose() => Interlocked.Exchange(ref _domain, null)?.UnmapDoorbell(_page);
}
