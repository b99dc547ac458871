using Aperture.Core;
using Aperture.Power;

namespace Aperture.Devices;

/// <summary>A driver: which devices it serves, and how it takes one over.</summary>
public interface IDriver
{
    /// <summary>The driver's name, for messages and fault reports.</summary>
    string Name { get; }

    /// <summary>The <c>compatible</c> strings that it serves.</summary>
    IReadOnlyList<string> Compatible { get; }

    /// <summary>Whether the driver manages the device's address space itself: the core then leaves the device without a
    /// default domain and without DMA operations of its own choice.</summary>
    bool ManagesOwnDma => false;

    /// <summary>Takes a device over. When this is called all suppliers are bound and active, the device has its domain and its DMA
    /// operations, its power domains are on, and its clocks and resets can be used. What the driver gets through
    /// <see cref="Device.Manage{T}"/> is released by itself, in reverse order, when the probe fails or the device is unbound.</summary>
    /// <remarks>The device is held active during the probe and let go after it, so the probe leaves it as
    /// <see cref="IPowerAware.RuntimeResume"/> would. A driver whose device must stay up takes a hold of its own.</remarks>
    /// <exception cref="ApertureException">The probe failed; with <see cref="Status.ProbeDefer"/>: something named in the
    /// message is not there yet, and the probe is tried again when another device has been bound.</exception>
    IBoundDriver Probe(Device device);
}

/// <summary>A driver bound to one device: the driver's state for it, and what the core calls during its life.</summary>
public interface IBoundDriver : IPowerAware
{
    /// <summary>Lets go of the device: it is quiet afterwards, and the driver's own holds are given back. The device is held active
    /// meanwhile if it can be. Managed resources are released after this.</summary>
    void Remove()
    {
    }
}
