using Aperture.Core;
using Aperture.Devices;
using Aperture.Drivers.Units;
using Aperture.Power;

namespace Aperture.Drivers.Exynos;

/// <summary>The clocks of a SysMMU. The clock of its master is needed only for register access: while the master works, its own
/// driver holds it on.</summary>
internal sealed class SysMmuClocks
{
    private readonly GateList _access; // the master's
    private readonly GateList _own;    // "sysmmu" one way, "pclk" and "aclk" the other

    /// <exception cref="ApertureException"><see cref="Status.NotImplemented"/>: the description fits neither way.</exception>
    public SysMmuClocks(Device device)
    {
        device.Clocks.TryGetValue("master", out var master);
        device.Clocks.TryGetValue("sysmmu", out var unit);
        device.Clocks.TryGetValue("pclk", out var bus);
        device.Clocks.TryGetValue("aclk", out var axi);
        if (unit is null && (bus is null || axi is null))
            throw new ApertureException(
                Status.NotImplemented,
                $"{device.Name} has neither a clock \"sysmmu\" nor clocks \"aclk\" and \"pclk\"");
        _access = new GateList(master is null ? [] : [master]);
        _own = new GateList([.. new[] { unit, bus, axi }.OfType<Gate>()]);
    }

    /// <summary>Whether the unit's own clocks are held: it translates.</summary>
    public bool IsOn => _own.IsHeld;

    /// <summary>The unit's own clocks on.</summary>
    public void On() => _own.On();

    /// <summary>All clocks off.</summary>
    public void Off()
    {
        _own.Off();
        _access.Off();
    }

    /// <summary>The unit's own clocks off for good, unless somebody else holds them on.</summary>
    public bool TrySwitchOff() => _own.TrySwitchOff();

    /// <summary>Besides those that run: what register access needs.</summary>
    public void BeginAccess() => _access.On();

    /// <summary>Register access is over.</summary>
    public void EndAccess() => _access.Off();
}
