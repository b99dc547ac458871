using Aperture.Core;
using Aperture.Hardware.Bus;

namespace Aperture.Hardware.Translation;

/// <summary>An IOMMU as silicon: a register block on the CPU's side, a translator on the masters' side. It reads its tables
/// from the bus, tells software about faults by its interrupt line and registers, and knows nothing of the software.</summary>
/// <remarks>Not thread-safe: register accesses and translations of one unit come from one thread at a time. A unit that has no
/// power or clock, or is in reset, answers no register access and lets no access of a master through.</remarks>
public abstract class TranslationUnit : BusDevice
{
    /// <summary>A unit on a bus.</summary>
    /// <param name="bus">Where the walker reads tables.</param>
    /// <param name="interrupts">The names of its interrupt lines; see <see cref="BusDevice(ReadOnlySpan{string})"/>.</param>
    protected TranslationUnit(SystemBus bus, params ReadOnlySpan<string> interrupts)
        : base(interrupts)
    {
        ArgumentNullException.ThrowIfNull(bus);
        Bus = bus;
    }

    /// <summary>Number of entries of the translation cache, all levels together.</summary>
    public abstract int CacheEntries { get; }

    /// <summary>Hits, misses, invalidations and faults since the unit was made.</summary>
    public abstract TranslationCounters Counters { get; }

    /// <summary>By how many streams, from 0 on, a master comes in that has no number in the description: one for each MMU where a unit has several
    /// that work as one.</summary>
    public virtual int StreamsOfMaster => 1;

    /// <summary>Where the walker reads tables.</summary>
    protected SystemBus Bus { get; }

    /// <summary>Translates an access.</summary>
    /// <param name="request">The access.</param>
    /// <returns>What becomes of it.</returns>
    /// <remarks>A fault raises the interrupt before this returns. If the handler releases the access meanwhile, it is
    /// translated again at once, at most <see cref="MaxRetries"/> times; an access still unreleased comes back as
    /// <see cref="TranslationStatus.Stalled"/>.</remarks>
    public TranslationResult Translate(in BusRequest request)
    {
        var status = Resolve(request, out var address, out var contiguous);
        return status == TranslationStatus.Ok ? new TranslationResult(status, address, contiguous, Protection.ReadWrite) : new TranslationResult(status);
    }

    /// <summary>Translates an access.</summary>
    /// <param name="request">The access.</param>
    /// <param name="address">Where it goes in the physical address space.</param>
    /// <param name="contiguous">How many bytes from <paramref name="address"/> on translate alike: at most up to the end of the page.</param>
    protected abstract TranslationStatus Resolve(in BusRequest request, out PhysicalAddress address, out ulong contiguous);

    /// <summary>How often one access is retried within <see cref="Translate"/> after software released it. Silicon retries
    /// for ever; a simulated machine must come to an end. Documented choice: 8.</summary>
    public int MaxRetries { get; init; } = 8;
}
