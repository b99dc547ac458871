using Aperture.Core;
using Aperture.Datasheets.Pci;

namespace Aperture.Hardware.Pci;

/// <summary>What a host is like.</summary>
public sealed record PciHostOptions
{
    /// <summary>The number of its first bus.</summary>
    public byte FirstBus { get; init; }

    /// <summary>The number of its last bus; not below the first.</summary>
    public byte LastBus { get; init; } = byte.MaxValue;

    /// <summary>By which addresses the CPU reaches what is on the buses; disjoint on either side.</summary>
    public IReadOnlyList<PciMemoryWindow> Windows { get; init; } = [];

    /// <summary>Where accesses with a requester id go when they leave the root complex: asked once for each id. Null: to memory as they
    /// are.</summary>
    public Func<PciAddress, PciUpstream>? Upstream { get; init; }

    /// <summary>Whether the CPU reads ones where nobody answers, and its writes are lost: what a root complex makes of an unsupported
    /// request (PCI Express Base Specification, 2.3.2, implementation note). Without it such an access is a bus error, as on some systems
    /// on chip. In configuration space it is ones in either case, by which software finds out what is there.</summary>
    public bool ReadsOnes { get; init; } = true;

    internal void Validate()
    {
        if (LastBus < FirstBus)
            throw new ApertureException(Status.InvalidArgument, $"a PCI host has no buses {FirstBus} to {LastBus}");
        foreach (var window in Windows)
        {
            if (window.Length == 0 || window.Last < window.First)
                throw new ApertureException(
                    Status.InvalidArgument, $"a PCI host has no window of 0x{window.Length:x} bytes at {window.Cpu}");
        }
    }

    /// <summary>Where accesses with an id go; open and straight to memory without anybody to say.</summary>
    internal PciUpstream UpstreamOf(PciAddress id) => Upstream?.Invoke(id) ?? new PciUpstream(null, new StreamId(id.Value));
}
