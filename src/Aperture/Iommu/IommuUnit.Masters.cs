using Aperture.Core;
using Aperture.Devices;

namespace Aperture.Iommu;

// The masters of a unit that does not answer: kept from memory by their own switches, whatever the unit lets through.
public abstract partial class IommuUnit
{
    private readonly List<Device> _stopped = []; // guarded by the lock of quarantines
    private bool _stopsMasters;                  // until the unit was programmed afresh; guarded by the same
    private bool _areStopped;                    // all of them

    /// <summary>Whether no master of the unit gets to memory, by the masters' own switches (<see cref="Device.BusMastering"/>).</summary>
    protected bool AreMastersStopped => Volatile.Read(ref _areStopped);

    /// <summary>Keeps all masters that were described as this unit's from memory, whatever the unit lets through and whoever starts its
    /// clocks, until <see cref="MarkReprogrammed"/>; also those that are described meanwhile. The core does it when an
    /// <see cref="Invalidate"/> failed; a driver that does it before it reports a failure can say so. Nothing happens unless the unit
    /// <see cref="NeedsReprogram"/>.</summary>
    /// <returns>Whether none gets there; a master without such a switch may.</returns>
    protected internal bool TryStopMasters()
    {
        lock (_quarantineLock)
        {
            if (_successor is not null)
                return _successor.TryStopMasters();
            if (!_needsReprogram || Registry is not { } core)
                return false;
            _stopsMasters = true;
            var all = true;
            foreach (var master in core.MastersOf(this))
                all &= TryStop(master);
            Volatile.Write(ref _areStopped, all);
            AssertInvariants();
            return all;
        }
    }

    /// <summary>For drivers that bring a unit in line by other means than registers: notes that it failed, keeps its masters from memory,
    /// and reports it. <see cref="MarkReprogrammed"/> ends that.</summary>
    /// <param name="operation">What was being done.</param>
    /// <param name="status">How it failed.</param>
    /// <param name="reason">What failed, by name.</param>
    protected void ReportFailure(UnitOperation operation, Status status, string reason)
    {
        MarkForReprogram();
        var remedy = TryStopMasters() ? UnitRemedy.CutOff : UnitRemedy.Quarantined;
        Registry?.Report(new UnitFailure(this, operation, status, reason, remedy));
    }

    /// <summary>A further master was described.</summary>
    internal void Meet(Device master)
    {
        lock (_quarantineLock)
        {
            if (_stopsMasters)
                Volatile.Write(ref _areStopped, TryStop(master) && _areStopped);
            AssertInvariants();
        }
    }

    private bool TryStop(Device master)
    {
        if (_stopped.Contains(master))
            return true;
        if (master.BusMastering?.TryStop() != true)
            return false;
        _stopped.Add(master);
        return true;
    }

    /// <summary>Called under the lock.</summary>
    private void ResumeMasters()
    {
        (_stopsMasters, _areStopped) = (false, false);
        foreach (var master in _stopped)
            master.BusMastering!.Resume();
        _stopped.Clear();
    }

    /// <summary>Takes over from the unit object that the device had before. Called under both locks.</summary>
    private void TakeStopped(IommuUnit before)
    {
        (_stopsMasters, _areStopped) = (before._stopsMasters, before._areStopped);
        _stopped.AddRange(before._stopped);
        before._stopped.Clear();
        (before._stopsMasters, before._areStopped) = (false, false);
        AssertInvariants();
    }
}
