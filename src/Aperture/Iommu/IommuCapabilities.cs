using Aperture.Core;

namespace Aperture.Iommu;

/// <summary>What a unit can do. Asking for more is refused with <see cref="Status.NotSupported"/>.</summary>
public sealed record IommuCapabilities
{
    /// <summary>Page sizes, one bit each (bit 12 = 4 KiB).</summary>
    public required ulong PageSizes { get; init; }

    /// <summary>The lowest device address that can be mapped.</summary>
    public Iova ApertureStart { get; init; }

    /// <summary>The highest device address that can be mapped.</summary>
    public required Iova ApertureEnd { get; init; }

    /// <summary>Bits of a physical address that the unit can reach.</summary>
    public required int OutputBits { get; init; }

    /// <summary>Which protection bits change what the hardware allows. A right outside is granted with any other.</summary>
    public Protection HonouredProtection { get; init; }

    /// <summary>Whether table walks see the CPU's caches.</summary>
    public bool CoherentWalks { get; init; }

    /// <summary>Whether the unit can let addresses through unchanged.</summary>
    public bool CanBypass { get; init; }

    /// <summary>Whether the unit can block a master without a table.</summary>
    public bool CanBlock { get; init; }

    /// <summary>Whether a faulting access waits for software.</summary>
    public bool CanStall { get; init; }

    /// <summary>Number of domains that can be in force at the same time.</summary>
    public int Contexts { get; init; } = 1;

    /// <summary>Number of process address space IDs, 0 among them, which is what comes without one; zero for none.</summary>
    public int Pasids { get; init; }

    /// <summary>Which stages its domains can be for.</summary>
    public TranslationStages Stages { get; init; } = TranslationStages.First;

    /// <summary>Whether a guest's own tables can lie over a domain (<see cref="DomainType.Nested"/>).</summary>
    public bool Nesting { get; init; }

    /// <summary>Whether it can walk tables that somebody else keeps (<see cref="DomainType.Shared"/>).</summary>
    public bool SharedTables { get; init; }

    /// <summary>Whether devices can ask for pages and wait for the answer (<see cref="PageRequest"/>).</summary>
    public bool PageRequests { get; init; }

    /// <summary>Whether the unit keeps account of which pages were written (<see cref="DomainRequest.TracksDirty"/>).</summary>
    public bool DirtyTracking { get; init; }
}
