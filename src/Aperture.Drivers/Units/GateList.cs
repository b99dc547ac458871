using Aperture.Power;

namespace Aperture.Drivers.Units;

/// <summary>Gates that are switched together, all or none. Switching twice the same way does nothing.</summary>
/// <param name="gates">In the order in which they are switched on.</param>
internal sealed class GateList(params Gate[] gates)
{
    private bool _isHeld; // this holds them on

    /// <summary>Whether this holds them on.</summary>
    public bool IsHeld => _isHeld;

    /// <summary>Whether there are gates, and all are on, by whomever.</summary>
    public bool AreOn => gates.Length > 0 && Array.TrueForAll(gates, gate => gate.IsOn);

    /// <summary>Holds all on. When one cannot be, none is held.</summary>
    public void On()
    {
        if (_isHeld)
            return;
        if (gates.Length != 0)
            SwitchOn();
        _isHeld = true;
    }

    /// <summary>Lets all go, the last one first.</summary>
    public void Off()
    {
        if (!_isHeld)
            return;
        _isHeld = false;
        for (var i = gates.Length; --i >= 0;)
            gates[i].Disable();
    }

    /// <summary>Lets all go for good.</summary>
    /// <returns>False when there are none, or somebody else holds them on: then this goes on holding them, too.</returns>
    public bool TrySwitchOff()
    {
        if (gates.Length == 0)
            return false;
        Off();
        if (!AreOn)
            return true;
        On();
        return false;
    }

    private void SwitchOn()
    {
        var held = 0;
        try
        {
            for (; held < gates.Length; held++)
                gates[held].Enable();
        }
        catch
        {
            while (--held >= 0)
                gates[held].Disable();
            throw;
        }
    }
}
