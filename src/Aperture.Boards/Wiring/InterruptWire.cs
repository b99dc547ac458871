using Aperture.Devices;
using Aperture.Hardware.Bus;

namespace Aperture.Boards.Wiring;

/// <summary>Joins the interrupt lines of blocks that share an input: the input is active while any of them is.</summary>
public sealed class InterruptWire
{
    private InterruptLine[] _lines = []; // replaced whole, so that the input looks at them without a lock

    /// <summary>A wire to an input of its own.</summary>
    /// <param name="name">The controller's name and the specifier.</param>
    public InterruptWire(string name) => Input = new Interrupt(name, IsAsserted);

    /// <summary>The input as drivers see it.</summary>
    public Interrupt Input { get; }

    /// <summary>Connects a block's line.</summary>
    public void Connect(InterruptLine line)
    {
        ArgumentNullException.ThrowIfNull(line);
        _lines = [.. _lines, line];
        line.Changed = _ => Input.Look();
        line.Attend = Input.Attend;
        Input.Look();
    }

    private bool IsAsserted()
    {
        foreach (var line in _lines)
        {
            if (line.IsAsserted)
                return true;
        }

        return false;
    }
}
