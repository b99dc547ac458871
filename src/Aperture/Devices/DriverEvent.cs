namespace Aperture.Devices;

/// <summary>What happened.</summary>
public enum DriverEventKind
{
    /// <summary>A driver took the device over.</summary>
    Bound,

    /// <summary>The probe waits for something; recorded when what it waits for changes.</summary>
    Deferred,

    /// <summary>The probe failed, and everything was undone.</summary>
    Failed,

    /// <summary>The driver let go of the device.</summary>
    Unbound,

    /// <summary>Something went wrong that the core could go on after: a resource that could not be released, a device that could not be
    /// suspended or woken.</summary>
    Trouble,

    /// <summary>An interrupt line was switched off because nobody handled it.</summary>
    InterruptStuck,
}

/// <summary>An entry of the driver core's log.</summary>
/// <param name="Sequence">Its number, from 0.</param>
/// <param name="Kind">What happened.</param>
/// <param name="Device">The device; null for an interrupt line, which may be shared.</param>
/// <param name="Driver">The driver's name, or null where none is concerned.</param>
/// <param name="Detail">What is waited for, or why; empty where there is nothing to say.</param>
public sealed record DriverEvent(int Sequence, DriverEventKind Kind, Device? Device, string? Driver, string Detail)
{
    /// <summary>One line.</summary>
    public override string ToString() =>
        $"{Device?.Name ?? "interrupt"}: {Kind}{(Driver is null ? "" : $" ({Driver})")}{(Detail.Length == 0 ? "" : $": {Detail}")}";
}

/// <summary>A device whose probe still waits.</summary>
/// <param name="Device">The device.</param>
/// <param name="Supplier">The name of what never came, at the root of all waiting; in a cycle, the device's own direct supplier.</param>
/// <param name="Reason">One line: who waits for whom, and why the last one is not there.</param>
public sealed record DeferredDevice(Device Device, string Supplier, string Reason);
