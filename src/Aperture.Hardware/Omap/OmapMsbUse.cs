namespace Aperture.Hardware.Omap;

/// <summary>What the registers for physical address bits 35:32 of an <see cref="OmapMmu"/> do.</summary>
public enum OmapMsbUse
{
    /// <summary>Nothing but hold what is written.</summary>
    Ignored,

    /// <summary>TTB_MSB extends the address of the first-level table, RAM_MSB that of a page loaded by software. Second-level
    /// tables and pages found by the walker lie below 4 GiB, as a descriptor has no room for more.</summary>
    TableAndLoads,

    /// <summary>As <see cref="TableAndLoads"/>; second-level tables and pages found by the walker lie in the 4 GiB that
    /// TTB_MSB names.</summary>
    WholeWalk,
}
