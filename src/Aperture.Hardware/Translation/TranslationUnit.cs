using Aperture.Core;
using Aperture.Hardware.Bus;

namespace Aperture.Hardware.Translation;

/// <summary>An IOMMU as silicon: a register block on the CPU's side, a translator on the masters' side. It reads its tables
/// from the bus, tells software about faults by its interrupt line and registers, and knows nothing of the software.</summary>
/// <remarks>Not thread-safe: register accesses and translations of one unit come from one thread at a time. A unit that has no
/// power or clock, or is in reset, answers no register access and lets no access of a master through.</remarks>
public abstract class TranslationUnit : IMmioDevice
{
    /// <summary>A unit on a bus.</summary>
    /// <param name="bus">Where the walker reads tables.</param>
    protected TranslationUnit(SystemBus bus)
    {
        ArgumentNullException.ThrowIfNull(bus);
        Bus = bus;
    }

    /// <inheritdoc/>
    public abstract uint Size { get; }

    /// <summary>The interrupt line.</summary>
    public InterruptLine Interrupt { get; } = new();

    /// <summary>Whether the unit has power. Registers and translation cache are lost while it has not.</summary>
    public bool IsPowered { get; private set; } = true;

    /// <summary>Whether the unit's clocks run. State is kept while they do not.</summary>
    public bool IsClocked { get; set; } = true;

    /// <summary>Whether the unit's reset is asserted. Releasing it leaves reset values behind.</summary>
    public bool IsInReset { get; private set; }

    /// <summary>Whether the unit answers at all.</summary>
    public bool Answers => IsPowered && IsClocked && !IsInReset;

    /// <summary>Number of entries of the translation cache, all levels together.</summary>
    public abstract int CacheEntries { get; }

    /// <summary>Hits, misses, invalidations and faults since the unit was made.</summary>
    public abstract TranslationCounters Counters { get; }

    /// <summary>Where the walker reads tables.</summary>
    protected SystemBus Bus { get; }

    /// <summary>Gives or takes power. A change in either direction leaves reset values behind.</summary>
    public void SetPower(bool on)
    {
        if (IsPowered == on)
            return;
        IsPowered = on;
        Reset();
    }

    /// <summary>Asserts or releases the reset input. Asserting it resets registers and translation cache.</summary>
    public void SetReset(bool asserted)
    {
        if (IsInReset == asserted)
            return;
        IsInReset = asserted;
        if (asserted)
            Reset();
    }

    /// <summary>Translates an access.</summary>
    /// <param name="request">The access.</param>
    /// <param name="address">Where it goes in the physical address space.</param>
    /// <param name="contiguous">How many bytes from <paramref name="address"/> on translate alike: at most up to the end of the page.</param>
    /// <remarks>A fault raises the interrupt before this returns. If the handler releases the access meanwhile, it is
    /// translated again at once, at most <see cref="MaxRetries"/> times; an access still unreleased comes back as
    /// <see cref="TranslationStatus.Stalled"/>.</remarks>
    public abstract TranslationStatus Translate(in DmaRequest request, out PhysicalAddress address, out ulong contiguous);

    /// <summary>How often one access is retried within <see cref="Translate"/> after software released it. Silicon retries
    /// for ever; a simulated machine must come to an end. Documented choice: 8.</summary>
    public int MaxRetries { get; init; } = 8;

    /// <inheritdoc/>
    public abstract bool TryRead(uint offset, int width, out ulong value);

    /// <inheritdoc/>
    public abstract bool TryWrite(uint offset, int width, ulong value);

    /// <summary>Sets every register to its reset value, empties the translation cache and drops the interrupt line.</summary>
    protected abstract void Reset();
}
