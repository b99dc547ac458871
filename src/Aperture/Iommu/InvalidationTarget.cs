namespace Aperture.Iommu;

/// <summary>Who has to be told of what is removed from a domain: one for each unit where the domain is in force, found once, when the first
/// master is attached. What the unit's driver needs to know of the domain's place in the hardware it keeps here, so that an invalidation
/// looks nothing up.</summary>
public sealed class InvalidationTarget
{
    /// <summary>The value of <see cref="Tag"/> while the domain is in no context of the unit.</summary>
    public const int NoTag = -1;

    /// <summary>A domain on a unit.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="domain">The domain.</param>
    /// <param name="kind">What remembers translations.</param>
    public InvalidationTarget(IommuUnit unit, IommuDomain domain, InvalidationKind kind = InvalidationKind.Unit)
    {
        ArgumentNullException.ThrowIfNull(unit);
        ArgumentNullException.ThrowIfNull(domain);
        (Unit, Domain, Kind) = (unit, domain, kind);
    }

    /// <summary>The unit.</summary>
    public IommuUnit Unit { get; }

    /// <summary>The domain.</summary>
    public IommuDomain Domain { get; }

    /// <summary>What remembers translations.</summary>
    public InvalidationKind Kind { get; }

    /// <summary>The domain's number in the unit (context bank, ASID, VMID), or <see cref="NoTag"/>. The unit's driver sets and reads it,
    /// under the lock of its registers.</summary>
    public int Tag { get; set; } = NoTag;

    /// <summary>Ports of masters through which the domain is in force; zero for a unit that was left and may not have noticed. Guarded by
    /// the domain.</summary>
    internal int Users { get; set; }
}
