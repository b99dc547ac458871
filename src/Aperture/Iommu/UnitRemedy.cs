namespace Aperture.Iommu;

/// <summary>What became of a unit whose hardware failed.</summary>
public enum UnitRemedy
{
    /// <summary>All of it was programmed afresh at once: nothing is left of what should be gone.</summary>
    Reprogrammed,

    /// <summary>It does not answer; its masters are cut off until it was programmed afresh. What should be gone stays in quarantine until
    /// then, as the unit may still know it when it works again.</summary>
    CutOff,

    /// <summary>It does not answer, and its driver has no means to cut its masters off: they may still reach what should be gone, which
    /// stays in quarantine until the unit was programmed afresh.</summary>
    Quarantined,
}
