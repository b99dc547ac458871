namespace Aperture.Hardware.Omap;

/// <summary>When an <see cref="OmapMmu"/> notices that two valid entries overlap.</summary>
public enum OmapMultiHit
{
    /// <summary>When an access matches both.</summary>
    AtLookup,

    /// <summary>When an access matches both, and already when LD_TLB makes an overlapping entry (no access is held then).</summary>
    AtLookupAndLoad,

    /// <summary>Never: the lowest matching entry translates.</summary>
    Never,
}
