namespace Aperture.Hardware.Omap;

/// <summary>Which unlocked entry the table walker of an <see cref="OmapMmu"/> fills.</summary>
public enum OmapVictimOrder
{
    /// <summary>CURRENTVICTIM, which then moves on by one and wraps to BASEVALUE.</summary>
    RoundRobin,

    /// <summary>The lowest invalid unlocked entry; if there is none, as <see cref="RoundRobin"/>.</summary>
    InvalidFirst,
}
