using Aperture.Devices;
using Aperture.Hardware.Bus;

namespace Aperture.Boards.Wiring;

/// <summary>Joins the interrupt lines of blocks that share an input: the input is active while any of them is.</summary>
public sealed class InterruptWire
{
    private int _asserted; // how many lines are active

    /// <summary>A wire to an input of its own.</summary>
    /// <param name="name">The controller's name and the specifier.</param>
    public InterruptWire(string name) => Input = new Interrupt(name);

    /// <summary>The input as drivers see it.</summary>
    public Interrupt Input { get; }

    /// <summary>Connects a block's line.</summary>
    public void Connect(InterruptLine line)
    {
        ArgumentNullException.ThrowIfNull(line);
        line.Changed = active =>
        {
            _asserted += active ? 1 : -1;
            Input.SetLevel(_asserted > 0);
        };
        if (line.IsAsserted)
            line.Changed(true);
    }
}
