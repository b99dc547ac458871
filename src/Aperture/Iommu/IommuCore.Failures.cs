using Aperture.Core;
using Aperture.Core.Threading;

namespace Aperture.Iommu;

// Failures of units, beside the faults that they report.
public sealed partial class IommuCore
{
    private readonly Queue<UnitFailure> _failures = new(); // the last ones, oldest first; guarded by the lock of faults

    // units that are out and were not programmed afresh, by their devices' keys
    private readonly Dictionary<object, IommuUnit> _failed = [];

    /// <summary>Failures of units' hardware, oldest first; at most <see cref="KeptFaults"/>.</summary>
    public IReadOnlyList<UnitFailure> Failures
    {
        get
        {
            lock (_lock)
                return [.. _failures];
        }
    }

    /// <summary>Number of such failures since the start.</summary>
    public ulong FailureCount { get; private set; }

    /// <summary>Called for each failure of a unit's hardware, on the thread that met it, when it holds no gated lock any more.</summary>
    public event Action<UnitFailure>? UnitFailed;

    /// <summary>Reports a failure of a unit's hardware: it is kept, counted, and told to who listens.</summary>
    public void Report(UnitFailure failure)
    {
        ArgumentNullException.ThrowIfNull(failure);
        lock (_lock)
        {
            FailureCount++;
            if (_failures.Count == KeptFaults)
                _failures.Dequeue();
            _failures.Enqueue(failure);
        }

        IommuMeter.Failed(failure);
        EventGate.Post(new Telling(this, failure));
    }

    private sealed class Telling(IommuCore core, UnitFailure failure) : IGateEvent
    {
        public void Deliver() => Listeners.Tell(core.UnitFailed, failure);
    }
}
