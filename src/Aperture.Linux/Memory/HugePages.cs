namespace Aperture.Linux.Memory;

/// <summary>Whether memory for devices comes in huge pages.</summary>
public enum HugePages
{
    /// <summary>Where the host has any left, else in ordinary ones.</summary>
    Try,

    /// <summary>Always: without any the allocation fails.</summary>
    Require,

    /// <summary>Never.</summary>
    Never,
}
