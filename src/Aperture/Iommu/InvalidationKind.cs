namespace Aperture.Iommu;

/// <summary>What remembers translations and has to be told when they end.</summary>
public enum InvalidationKind
{
    /// <summary>The unit's own caches of translations, table words and walk steps.</summary>
    Unit,

    /// <summary>The cache of a device that asked for translations (ATS). It is told after the unit that answers it.</summary>
    Device,

    /// <summary>A domain whose tables lie in this one's addresses.</summary>
    Nested,
}
