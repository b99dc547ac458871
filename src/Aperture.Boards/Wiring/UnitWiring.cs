using Aperture.Devices;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;
using Aperture.Power;

namespace Aperture.Boards.Wiring;

/// <summary>The wires between a model and the software's view of it: interrupts, power, clocks, resets.</summary>
public static class UnitWiring
{
    /// <summary>Lets a model's line drive an interrupt input.</summary>
    public static void ConnectTo(this InterruptLine line, Interrupt input)
    {
        ArgumentNullException.ThrowIfNull(line);
        ArgumentNullException.ThrowIfNull(input);
        line.Changed = input.SetLevel;
        if (line.IsAsserted)
            input.SetLevel(true);
    }

    /// <summary>Powers a unit from a power domain.</summary>
    public static void PowerFrom(this TranslationUnit unit, Gate power)
    {
        ArgumentNullException.ThrowIfNull(unit);
        ArgumentNullException.ThrowIfNull(power);
        power.Changed += unit.SetPower;
        unit.SetPower(power.IsOn);
    }

    /// <summary>Lets a reset line hold a unit in reset while nobody has released it.</summary>
    public static void ResetFrom(this TranslationUnit unit, Gate reset)
    {
        ArgumentNullException.ThrowIfNull(unit);
        ArgumentNullException.ThrowIfNull(reset);
        reset.Changed += released => unit.SetReset(!released);
        unit.SetReset(!reset.IsOn);
    }

    /// <summary>Clocks a unit: it works while all of the clocks run.</summary>
    public static void ClockFrom(this TranslationUnit unit, params ReadOnlySpan<Gate> clocks)
    {
        ArgumentNullException.ThrowIfNull(unit);
        var all = clocks.ToArray();
        foreach (var clock in all)
            clock.Changed += _ => unit.IsClocked = AllRun(all);
        unit.IsClocked = AllRun(all);
    }

    private static bool AllRun(Gate[] clocks)
    {
        foreach (var clock in clocks)
        {
            if (!clock.IsOn)
                return false;
        }

        return true;
    }
}
