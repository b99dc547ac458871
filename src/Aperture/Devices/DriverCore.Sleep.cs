using Aperture.Core;

namespace Aperture.Devices;

// System sleep.
public sealed partial class DriverCore
{
    /// <summary>Whether the system sleeps.</summary>
    public bool IsAsleep { get; private set; }

    /// <summary>Takes the system to sleep: every active device is suspended, consumers before their suppliers. Nothing is unbound or
    /// detached. Nothing is probed and no device can be resumed until <see cref="Resume"/>.</summary>
    /// <exception cref="ApertureException">A device could not be suspended; those that were are awake again. <see cref="Status.Busy"/>: the
    /// system sleeps already.</exception>
    public void Suspend()
    {
        lock (_lock)
        {
            AssertAwake();
            var asleep = new List<Device>();
            foreach (var device in Enumerable.Reverse(SuppliersFirst()))
            {
                try
                {
                    device.Power.Sleep();
                    asleep.Insert(0, device);
                }
                catch (Exception e)
                {
                    foreach (var sleeper in asleep)
                        Attempt(sleeper, sleeper.Power.Wake);
                    if (e is not ApertureException failure)
                        throw;
                    throw new ApertureException(failure.Status,
                        $"the system cannot sleep: {device.Name} could not be suspended: {failure.Message}", failure);
                }
            }

            IsAsleep = true;
        }
    }

    /// <summary>Wakes the system: suppliers before their consumers, each device as it was before. Then probes what was added
    /// meanwhile.</summary>
    /// <exception cref="ApertureException">Devices could not be woken; all others are awake. <see cref="Status.InvalidArgument"/>: the
    /// system does not sleep.</exception>
    public void Resume()
    {
        lock (_lock)
        {
            if (!IsAsleep)
                throw new ApertureException(Status.InvalidArgument, "the system does not sleep");
            IsAsleep = false;
            ApertureException? first = null;
            var failed = new List<string>();
            foreach (var device in SuppliersFirst())
            {
                try
                {
                    device.Power.Wake();
                }
                catch (ApertureException e)
                {
                    first ??= e;
                    failed.Add(device.Name);
                    Trouble(device, e);
                }
            }

            Run();
            if (first is not null)
                throw new ApertureException(first.Status, $"the system is awake without {string.Join(", ", failed)}: {first.Message}",
                    first);
        }
    }

    private void AssertAwake()
    {
        if (IsAsleep)
            throw new ApertureException(Status.Busy, "the system sleeps");
    }

    /// <summary>The devices, each behind all of its suppliers, else in order of arrival.</summary>
    private List<Device> SuppliersFirst()
    {
        var ordered = new List<Device>();
        var seen = new HashSet<Device>();
        foreach (var entry in _entries)
            Visit(entry.Device);
        return ordered;

        void Visit(Device device)
        {
            if (!seen.Add(device))
                return;
            foreach (var supplier in device.Power.Suppliers)
                Visit((Device)supplier);
            ordered.Add(device);
        }
    }
}
