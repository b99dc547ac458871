using Aperture.Core;
using Aperture.Devices;
using Aperture.Power;

namespace Aperture.Drivers.Exynos;

/// <summary>The clocks of a SysMMU. The clock of its master is needed only for register access: while the master works, its own
/// driver holds it on.</summary>
internal sealed class SysMmuClocks
{
    private readonly Gate? _master;
    private readonly Gate? _unit; // "sysmmu", one of the two ways to describe the unit's own clock
    private readonly Gate? _bus;  // "pclk", with _axi the other way
    private readonly Gate? _axi;  // "aclk"

    /// <exception cref="ApertureException"><see cref="Status.NotImplemented"/>: the description fits neither way.</exception>
    public SysMmuClocks(Device device)
    {
        device.Clocks.TryGetValue("master", out _master);
        device.Clocks.TryGetValue("sysmmu", out _unit);
        device.Clocks.TryGetValue("pclk", out _bus);
        device.Clocks.TryGetValue("aclk", out _axi);
        if (_unit is null && (_bus is null || _axi is null))
            throw new ApertureException(Status.NotImplemented, $"{device.Name} has neither a clock \"sysmmu\" nor clocks \"aclk\" and \"pclk\"");
    }

    /// <summary>All clocks on.</summary>
    public void Enable()
    {
        _master?.Enable();
        _unit?.Enable();
        _bus?.Enable();
        _axi?.Enable();
    }

    /// <summary>All clocks off.</summary>
    public void Disable()
    {
        _axi?.Disable();
        _bus?.Disable();
        _unit?.Disable();
        _master?.Disable();
    }

    /// <summary>Besides those that run: what register access needs.</summary>
    public void EnableAccess() => _master?.Enable();

    /// <summary>Register access is over.</summary>
    public void DisableAccess() => _master?.Disable();
}
