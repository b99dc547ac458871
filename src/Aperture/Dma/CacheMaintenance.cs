namespace Aperture.Dma;

/// <summary>What an architecture does to the CPU's caches around the DMA of a device that does not snoop.</summary>
public enum CacheMaintenance
{
    /// <summary>For the device: clean, whatever the direction, so that what the device does not write comes back as it was. For the CPU:
    /// invalidate what the device may have written. RISC-V does the same.</summary>
    Arm64,

    /// <summary>As above, but memory that the device only writes is invalidated instead of cleaned.</summary>
    Armv7,

    /// <summary>As <see cref="Armv7"/>, and memory that goes both ways is cleaned and invalidated.</summary>
    Mips,

    /// <summary>As <see cref="Mips"/>, for cores that do not speculate: nothing is done when the CPU gets memory back.
    /// Modelled caches speculate, and refuse it.</summary>
    MipsInOrder,
}
