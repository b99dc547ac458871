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
            Interlocked.Add(ref _asserted, active ? 1 : -1);
            bool level;
            do
            {
                // Lines may change on several threads: the last to look leaves the level that holds.
                level = Volatile.Read(ref _asserted) > 0;
                Input.SetLevel(level);
            }
            while (level != Volatile.Read(ref _asserted) > 0);
        };
        if (line.IsAsserted)
            line.Changed(true);
    }
}
