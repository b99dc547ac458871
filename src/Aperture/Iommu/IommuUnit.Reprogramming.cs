using Aperture.Core;
using Aperture.Core.Threading;

namespace Aperture.Iommu;

// Units whose hardware failed: what they may still know of must not be used for anything else.
public abstract partial class IommuUnit : IGateEvent
{
    private readonly Lock _quarantineLock = new();
    private bool _needsReprogram;          // changed under the lock
    private IommuUnit? _successor;         // whose registers these are by now; the device was bound again
    private List<Quarantine>? _waiting;    // what waits until the unit was programmed afresh; guarded by the lock
    private List<Quarantine>? _ready;      // what has waited long enough; guarded by the lock

    /// <summary>Whether the unit's registers and caches may hold something that its driver took back, because a sequence of register
    /// accesses failed. As long as they do, nothing that was removed from a domain of this unit is used for anything else.</summary>
    public bool NeedsReprogram => Volatile.Read(ref _needsReprogram) && (Volatile.Read(ref _successor)?.NeedsReprogram ?? true);

    /// <summary>The core that the unit is registered with; null before.</summary>
    internal IommuCore? Registry { get; set; }

    /// <summary>Tries to bring a unit that failed to where its domains are in force and nothing else is; what waits for that is given back
    /// then. The next invalidation, attach or resume does the same.</summary>
    /// <returns><see cref="Status.Ok"/> also when there is nothing to do; <see cref="Status.NotSupported"/>: the unit's driver cannot; or
    /// how it failed, as reported.</returns>
    public virtual Status TryReprogram() => NeedsReprogram ? Status.NotSupported : Status.Ok;

    /// <summary>Notes that the hardware failed: everything is programmed afresh before the unit is trusted again. To be called before the
    /// failure is returned, under the lock that guards the registers.</summary>
    protected internal void MarkForReprogram()
    {
        lock (_quarantineLock)
            _needsReprogram = true;
    }

    /// <summary>Notes that the hardware holds what the driver's books say and nothing else. To be called under the lock that guards the
    /// registers, after the last access. Masters that were kept from memory get there again; what waited for it is given back as soon as
    /// the thread holds no gated lock.</summary>
    protected void MarkReprogrammed()
    {
        if (!NeedsReprogram)
            return;
        lock (_quarantineLock)
        {
            _needsReprogram = false;
            ResumeMasters();
            var waiting = _waiting;
            _waiting = null;
            AssertInvariants();
            if (waiting is null)
                return;
            (_ready ??= []).AddRange(waiting);
        }

        EventGate.Post(this);
    }

    /// <summary>The unit's driver threw instead of returning a status: the unit is not to be trusted.</summary>
    internal Status Threw(UnitOperation operation, Exception error)
    {
        var status = error is ApertureException known ? known.Status : Status.IoError;
        ReportFailure(operation, status, error.Message);
        return status;
    }

    /// <summary>Keeps something in quarantine until the unit was programmed afresh.</summary>
    /// <returns>False when it was meanwhile.</returns>
    internal bool TryWait(Quarantine quarantine)
    {
        lock (_quarantineLock)
        {
            if (_successor is not null)
                return _successor.TryWait(quarantine);
            if (!_needsReprogram)
                return false;
            (_waiting ??= []).Add(quarantine);
            AssertInvariants();
            return true;
        }
    }

    /// <summary>The same device had another unit object before, which could not bring the hardware in line: now it is this one's.</summary>
    internal void TakeOver(IommuUnit before)
    {
        MarkForReprogram();
        lock (before._quarantineLock)
        {
            Volatile.Write(ref before._successor, this);
            lock (_quarantineLock)
                TakeStopped(before);
            foreach (var quarantine in before._waiting ?? [])
                TryWait(quarantine);
            before._waiting = null;
            before.AssertInvariants();
        }
    }

    /// <inheritdoc/>
    void IGateEvent.Deliver()
    {
        List<Quarantine>? ready;
        lock (_quarantineLock)
            (ready, _ready) = (_ready, null);
        Quarantine.RunAll(ready ?? [], static quarantine => quarantine.UnitDone());
    }
}
