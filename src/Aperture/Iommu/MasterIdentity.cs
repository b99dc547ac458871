namespace Aperture.Iommu;

/// <summary>Who a master is to the IOMMUs, as the firmware's description of the machine has it: before any driver, and the same whatever is
/// bound and in whatever order.</summary>
public sealed record MasterIdentity
{
    /// <summary>A device whose DMA passes no IOMMU.</summary>
    public static MasterIdentity None { get; } = new();

    /// <summary>The units that its DMA passes, with its streams there, in the order of the description. A unit stands here once for each
    /// stream; those of <see cref="Aliases"/> are among them.</summary>
    public IReadOnlyList<IommuSpecifier> Units { get; init; } = [];

    /// <summary>Further numbers that its accesses may carry on its bus: a bridge's, for devices whose own number gets lost behind
    /// it.</summary>
    public IReadOnlyList<uint> Aliases { get; init; } = [];

    /// <summary>Bits of the process IDs that it can send; 0 for none.</summary>
    public int PasidBits { get; init; }

    /// <summary>Whether it may keep translations of its own (ATS), by what it is and by the way to its units. A unit that has no use for it
    /// leaves it off.</summary>
    public bool HasAts { get; init; }

    /// <summary>How many requests for pages it can have outstanding (PRI); 0 for none.</summary>
    public int PageRequests { get; init; }

    /// <summary>Whether what is between it and its units passes translations of a device's own (ATS of PCI), by the description alone:
    /// <see cref="HasAts"/> also asks what the device is. False where the description does not say.</summary>
    public bool IsAtsAllowed { get; init; }

    /// <summary>Device addresses that the firmware keeps for itself or for what it left running.</summary>
    public IReadOnlyList<IovaReservation> Reservations { get; init; } = [];

    /// <summary>Beside what the units cannot tell apart: masters with one of these in common, compared by
    /// <see cref="object.Equals(object)"/>, form one group. A bus whose devices reach each other past the units gives one.</summary>
    public IReadOnlyList<object> GroupKeys { get; init; } = [];
}
