namespace Aperture.Iommu;

/// <summary>What a unit's driver was doing when its hardware failed.</summary>
public enum UnitOperation
{
    /// <summary>Telling the unit what was removed from a domain.</summary>
    Invalidate,

    /// <summary>Putting a master into another domain.</summary>
    Attach,

    /// <summary>Bringing the unit up.</summary>
    Resume,

    /// <summary>Making it quiet.</summary>
    Suspend,

    /// <summary>Programming it afresh after an earlier failure.</summary>
    Reprogram,

    /// <summary>Handling a fault that it reported.</summary>
    HandleFault,
}
