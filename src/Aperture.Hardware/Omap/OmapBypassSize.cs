namespace Aperture.Hardware.Omap;

/// <summary>What the SIZE registers of an <see cref="OmapMmu"/>'s bypass regions mean.</summary>
public enum OmapBypassSize
{
    /// <summary>Nothing: the registers hold what is written and no address is bypassed.</summary>
    Inert,

    /// <summary>0: no region; code n: 64 KiB times 2^(n-1) from the region's start, rounded down to that size.</summary>
    PowerOfTwo,
}
