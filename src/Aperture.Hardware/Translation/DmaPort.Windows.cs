using Aperture.Core;
using Aperture.Hardware.Bus;

namespace Aperture.Hardware.Translation;

// The buses between the master and what its port leads to.
public sealed partial class DmaPort
{
    private BusWindow[]? _windows; // null when the buses pass every address as it is
    private BusWindow[]? _passing;          // the same, or none while the port is closed

    /// <summary>What the buses in front of the master pass; empty, the default, for every address as it is. An access outside of all
    /// windows gets to nobody: <see cref="DmaStatus.BusError"/>.</summary>
    /// <remarks>A port that goes straight onto the bus puts each address where its window leads. Before a translation unit addresses are
    /// the device's own, whatever the window's other side: the windows say which of them get there.</remarks>
    public IReadOnlyList<BusWindow> Windows
    {
        get => _windows ?? [];
        init => _passing = _windows = value is { Count: > 0 } ? [.. value] : null;
    }

    /// <summary>Whether the buses pass an address, and the port is open.</summary>
    public bool Passes(Iova address) => Passing(address, 1) > 0;

    /// <summary>How many of some bytes from an address on the buses pass in one piece; 0 where they pass nothing.</summary>
    private int Passing(Iova address, int wanted)
    {
        var passing = _passing;
        if (passing is null)
            return wanted;
        foreach (var window in passing)
        {
            if (window.PassesFrom(address) is not 0 and var bytes)
                return (int)Math.Min((ulong)wanted, bytes);
        }

        return 0;
    }

    /// <summary>Where an address that is passed leads when no unit stands between.</summary>
    private PhysicalAddress OnBus(Iova address)
    {
        foreach (var window in _windows ?? [])
        {
            if (window.PassesFrom(address) > 0)
                return window.Target + (address.Value - window.First.Value);
        }

        return new PhysicalAddress(address.Value);
    }
}
