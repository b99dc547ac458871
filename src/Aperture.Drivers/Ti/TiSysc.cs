using Aperture.Core;
using Aperture.Devices;

namespace Aperture.Drivers.Ti;

/// <summary>A target module: clocks run and reset is released while it is active.</summary>
internal sealed class TiSysc : IBoundDriver
{
    // SYSCONFIG of OCP modules, layout "omap2" (OMAP36xx TRM, each module's SYSCONFIG): [0] AUTOIDLE, [1] SOFTRESET, [4:3] SIDLEMODE.
    private const uint AutoIdle = 1 << 0;
    private const uint SoftResetBit = 1 << 1;
    private const uint SmartIdle = 2 << 3;
    private const uint IdleMask = 3 << 3;

    /// <summary>Reads of SYSSTATUS before the reset counts as stuck.</summary>
    private const int ResetPolls = 10_000;

    private readonly Device _device;
    private readonly DeviceGates _gates;
    private readonly RegisterRegion? _sysConfig; // absent in modules without one
    private readonly RegisterRegion? _sysStatus; // absent in modules without one
    private readonly uint _resetDone;            // which bits of SYSSTATUS tell that a reset is over; zero when software does not wait

    public TiSysc(Device device)
    {
        _device = device;
        _gates = new DeviceGates(device);
        var blocks = device.Node?.Registers() ?? [];
        for (var i = 0; i < blocks.Length && i < device.Registers.Count; i++)
        {
            if (blocks[i].Name == "sysc")
                _sysConfig = device.Registers[i];
            else if (blocks[i].Name == "syss")
                _sysStatus = device.Registers[i];
        }

        _resetDone = device.Node?.U32("ti,syss-mask") ?? 0;
    }

    /// <summary>Resets the module and lets it idle when it has nothing to do.</summary>
    /// <exception cref="ApertureException"><see cref="Status.TimedOut"/>: the reset does not end.</exception>
    public void SoftReset()
    {
        if (_sysConfig is null || (_device.Node!.U32("ti,sysc-mask") & SoftResetBit) == 0)
            return;
        _sysConfig.Update32(0, SoftResetBit, SoftResetBit);
        if (_sysStatus is not null && _resetDone != 0)
        {
            var polls = 0;
            while ((_sysStatus.Read32(0) & _resetDone) != _resetDone)
            {
                if (++polls == ResetPolls)
                    throw new ApertureException(Status.TimedOut,
                        $"{_device.Name}: soft reset did not end: SYSSTATUS never showed 0x{_resetDone:x}");
            }
        }

        _sysConfig.Update32(0, IdleMask | AutoIdle, SmartIdle | AutoIdle);
    }

    public void Remove() => _gates.Off();

    public void RuntimeResume() => _gates.On();

    public void RuntimeSuspend() => _gates.Off();
}
