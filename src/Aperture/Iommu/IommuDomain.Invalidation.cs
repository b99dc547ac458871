using Aperture.Core;
using Aperture.Core.PageTables;

namespace Aperture.Iommu;

// Who is told of what was removed, and what happens to it while somebody cannot be told.
public abstract partial class IommuDomain
{
    private readonly Lock _targetsLock = new();
    private InvalidationTarget[] _targets = [];        // replaced whole, so that a commit reads it without a lock
    private readonly List<Quarantine> _quarantines = []; // that are not over; guarded by the lock
    private int _quarantined;                          // number of them
    private bool _isAbandoned;                         // whoever made it is gone: it goes when the last unit has left it

    /// <summary>The units where the domain is in force.</summary>
    public IEnumerable<IommuUnit> Units => Volatile.Read(ref _targets).Where(target => target.Users > 0).Select(target => target.Unit);

    /// <summary>Whether something that was removed here may still be used by a unit that could not be told.</summary>
    public bool IsQuarantining => Volatile.Read(ref _quarantined) > 0;

    /// <summary>Bytes of device addresses that were removed and are in quarantine.</summary>
    public ulong QuarantinedBytes
    {
        get
        {
            ulong bytes = 0;
            lock (_targetsLock)
            {
                foreach (var quarantine in _quarantines)
                    bytes += quarantine.Bytes;
            }

            return bytes;
        }
    }

    /// <summary>The domain's place on a unit; null where it is not in force.</summary>
    public InvalidationTarget? TargetOn(IommuUnit unit) => Array.Find(Volatile.Read(ref _targets), target => target.Unit == unit);

    /// <summary>Runs an action once no unit can use anything that was removed here so far: at once, unless a commit failed and a unit that
    /// failed it was not programmed afresh since. Memory of a mapping whose unmap failed is given back so.</summary>
    /// <param name="release">What to do; runs on the thread that programmed the last unit afresh, which holds no gated lock.</param>
    public void WhenInvalidated(Action release)
    {
        ArgumentNullException.ThrowIfNull(release);
        Quarantine[] open = [];
        if (IsQuarantining)
        {
            lock (_targetsLock)
                open = [.. _quarantines];
        }

        if (open.Length == 0)
        {
            release();
            return;
        }

        var left = open.Length;
        foreach (var quarantine in open)
        {
            quarantine.Add(() =>
            {
                if (Interlocked.Decrement(ref left) == 0)
                    release();
            });
        }
    }

    /// <summary>Tells every unit where the domain is in force, whatever another one did or threw.</summary>
    /// <param name="gather">What was removed. When a unit fails it is empty afterwards: ranges and tables are in quarantine.</param>
    /// <returns>The first failure.</returns>
    protected Status InvalidateUnits(ref InvalidationGather gather)
    {
        var status = Status.Ok;
        List<IommuUnit>? failed = null;
        foreach (var target in Volatile.Read(ref _targets))
        {
            Status answer;
            try
            {
                answer = target.Unit.Invalidate(target, gather);
            }
            catch (Exception error)
            {
                answer = target.Unit.Threw(UnitOperation.Invalidate, error);
            }

            if (answer == Status.Ok)
                continue;
            target.Unit.TryStopMasters();
            if (status == Status.Ok)
                status = answer;
            (failed ??= []).Add(target.Unit);
        }

        if (failed is not null)
            Keep(ref gather, failed);
        return status;
    }

    /// <summary>Gives the tables of a gather back.</summary>
    protected virtual void FreeTables(ref InvalidationGather gather)
    {
    }

    /// <summary>Counts one more master of a unit in. From here on the unit hears of every change.</summary>
    internal virtual void AddUse(IommuUnit unit)
    {
        lock (_targetsLock)
        {
            if (TargetOn(unit) is not { } target)
                _targets = [.. _targets, target = new InvalidationTarget(unit, this)];
            target.Users++;
            AssertInvariants();
        }
    }

    /// <summary>Counts one master of a unit out. A unit that may not have noticed goes on hearing of every change, and nothing that is
    /// removed here is used for anything else, until it was programmed afresh.</summary>
    internal virtual void RemoveUse(IommuUnit unit)
    {
        bool isLast;
        var hasFailed = unit.NeedsReprogram; // once: another thread may program it afresh meanwhile
        lock (_targetsLock)
        {
            var target = TargetOn(unit)!;
            if (--target.Users > 0)
                return;
            isLast = _isAbandoned && Array.TrueForAll(_targets, other => other.Users == 0);
            if (!hasFailed)
                _targets = [.. _targets.Where(other => other != target)];
        }

        if (hasFailed)
        {
            var nothing = new InvalidationGather();
            Keep(ref nothing, [unit]);
        }

        if (isLast)
            Dispose();
    }

    /// <summary>Disposes the domain now, or when the last group that was put into it from elsewhere has left.</summary>
    internal void DisposeWhenUnused()
    {
        lock (_targetsLock)
        {
            _isAbandoned = Array.Exists(_targets, target => target.Users > 0);
            if (_isAbandoned)
                return;
        }

        Dispose();
    }

    /// <summary>Puts what was removed into quarantine until the units that failed were programmed afresh.</summary>
    private void Keep(ref InvalidationGather gather, List<IommuUnit> failed)
    {
        ulong bytes = 0;
        foreach (var range in gather.AsSpan())
            bytes += range.Length;
        var quarantine = new Quarantine(bytes, failed.Count);
        lock (_targetsLock)
        {
            _quarantines.Add(quarantine);
            Volatile.Write(ref _quarantined, _quarantines.Count);
            AssertInvariants();
        }

        IommuMeter.Quarantined((long)bytes);
        var kept = gather;
        quarantine.Add(() => EndQuarantine(quarantine, kept));
        gather = default;
        foreach (var unit in failed)
        {
            if (!unit.TryWait(quarantine))
                quarantine.UnitDone();
        }
    }

    private void EndQuarantine(Quarantine quarantine, InvalidationGather gather)
    {
        FreeTables(ref gather);
        IommuMeter.Quarantined(-(long)quarantine.Bytes);
        lock (_targetsLock)
        {
            _quarantines.Remove(quarantine);
            Volatile.Write(ref _quarantined, _quarantines.Count);
            _targets = [.. _targets.Where(target => target.Users > 0 || target.Unit.NeedsReprogram)];
            AssertInvariants();
        }
    }
}
