using Aperture.Hardware.Bus;
using Aperture.Power;

namespace Aperture.Boards.Wiring;

/// <summary>The wires between a model and the software's view of it: power and resets. At its clocks a model looks itself
/// (<see cref="Hardware.Bus.BusDevice.ClockFrom"/>).</summary>
public static class UnitWiring
{
    /// <summary>Powers a unit from a power domain.</summary>
    public static void PowerFrom(this BusDevice unit, Gate power)
    {
        ArgumentNullException.ThrowIfNull(unit);
        ArgumentNullException.ThrowIfNull(power);
        power.Changed += unit.SetPower;
        unit.SetPower(power.IsOn);
    }

    /// <summary>Lets a reset line hold a unit in reset while nobody has released it.</summary>
    public static void ResetFrom(this BusDevice unit, Gate reset)
    {
        ArgumentNullException.ThrowIfNull(unit);
        ArgumentNullException.ThrowIfNull(reset);
        reset.Changed += released => unit.SetReset(!released);
        unit.SetReset(!reset.IsOn);
    }
}
