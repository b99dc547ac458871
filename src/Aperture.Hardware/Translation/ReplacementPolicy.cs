namespace Aperture.Hardware.Translation;

/// <summary>How a cache picks the entry that a new translation replaces.</summary>
public enum ReplacementPolicy
{
    /// <summary>One after the other.</summary>
    RoundRobin,

    /// <summary>The entry that was not used for longest.</summary>
    LeastRecentlyUsed,
}
