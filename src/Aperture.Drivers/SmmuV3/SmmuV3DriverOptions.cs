using Aperture.Devices;

namespace Aperture.Drivers.SmmuV3;

/// <summary>What a driver of SMMUv3 can do in more than one way.</summary>
public sealed record SmmuV3DriverOptions
{
    /// <summary>Log2 of the granule of page tables: 12, 14 or 16; 0, the default, for the smallest that the unit has.</summary>
    public int GranuleShift { get; init; }

    /// <summary>Log2 of the most commands that the command queue holds; a unit may allow fewer.</summary>
    public int CommandsLog2 { get; init; } = 8;

    /// <summary>Log2 of the most records that the event queue holds; a unit may allow fewer.</summary>
    public int EventsLog2 { get; init; } = 7;

    /// <summary>Log2 of the most records that the page request queue holds; a unit may allow fewer.</summary>
    public int PageRequestsLog2 { get; init; } = 8;

    /// <summary>Whether the end of commands is told by a word in memory, where the unit can write one and is coherent; else, and by
    /// default, by the consumer index, which is read in one sequence with the write of the producer's. A simulated unit writes the word
    /// when the thread has let all locks go: there the index is always sooner.</summary>
    public bool UsesMessages { get; init; }

    /// <summary>The most single invalidations in one go; beyond it the whole address space at once is cheaper.</summary>
    public int MostInvalidations { get; init; } = 64;

    /// <summary>How long a queue, or a register that has to follow another one, may take.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Whether a master's faults wait for a handler; null for those whose node has <c>dma-can-stall</c>.</summary>
    public Predicate<Device>? Stalls { get; init; }
}
