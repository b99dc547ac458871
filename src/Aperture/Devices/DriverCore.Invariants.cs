using System.Diagnostics;

namespace Aperture.Devices;

// What holds whenever nobody is in the middle of a change.
public sealed partial class DriverCore
{
    /// <summary>Asserts it, in Debug. Call it under the lock.</summary>
    [Conditional("DEBUG")]
    private void AssertInvariants()
    {
        Debug.Assert(_lock.IsHeldByCurrentThread, "devices are looked at under the lock");
        Debug.Assert(_byKey.Count == _entries.Count, "each device is there once");
        foreach (var entry in _entries)
        {
            var device = entry.Device;
            Debug.Assert(_byKey.GetValueOrDefault(device.Key) == entry, "a device is found by its key");
            if (entry.State == BindState.Probing)
                continue; // a probe that adds devices is under way
            Debug.Assert(entry.Driver is null == entry.State is BindState.NoDriver, "who has a driver knows which");
            var isBound = entry.State == BindState.Bound;
            Debug.Assert(device.Bound is not null == isBound && device.Driver is not null == isBound, "who is bound has a driver");
            Debug.Assert(entry.Undo is not null == isBound, "and knows how to let it go");
            Debug.Assert(!entry.Held || isBound, "the core holds no device on but while it probes, or lets go of one that is bound");
        }
    }
}
