using Aperture.Core;
using Aperture.Devices;

namespace Aperture.Iommu;

/// <summary>What happens to the addresses of an attached master.</summary>
public enum AttachMode
{
    /// <summary>They are translated by the domain.</summary>
    Translate,

    /// <summary>They pass unchanged.</summary>
    Identity,

    /// <summary>Nothing passes.</summary>
    Blocked,
}

/// <summary>Where a master, or one of its processes, is to be on one unit.</summary>
/// <param name="Master">The master.</param>
/// <param name="Streams">Its streams on the unit.</param>
/// <param name="Domain">Where it goes: the core's own identity or blocked domain for these modes.</param>
/// <param name="Previous">Where it was; null at first. It still holds, and may be gone after a successful call.</param>
/// <param name="Pasid">The process; null for what comes without one.</param>
public readonly record struct Attachment(
    Device Master, StreamId[] Streams, IommuDomain Domain, IommuDomain? Previous = null, Pasid? Pasid = null)
{
    /// <summary>What happens to its addresses.</summary>
    public AttachMode Mode => Domain.Type switch
    {
        DomainType.Identity => AttachMode.Identity,
        DomainType.Blocked => AttachMode.Blocked,
        _ => AttachMode.Translate,
    };
}
