using Aperture.Devices;
using Aperture.Hardware.Bus;

namespace Aperture.Boards.Wiring;

/// <summary>The inputs behind a message frame: each message is one round of the handlers of its input.</summary>
public sealed class MessageInterrupts
{
    /// <summary>A frame with an input for each of its numbers.</summary>
    /// <param name="name">The controller's name, for messages.</param>
    /// <param name="first">The first number, below 1024.</param>
    /// <param name="count">How many; see <see cref="MessageFrame"/>.</param>
    /// <exception cref="Core.ApertureException">There are no such numbers.</exception>
    public MessageInterrupts(string name, uint first, int count)
    {
        Frame = new MessageFrame(first, count, place => Inputs![(int)place].Raise());
        Inputs = [.. Enumerable.Range(0, count).Select(place => new Interrupt($"{name} message {first + place}"))];
    }

    /// <summary>The block on the bus.</summary>
    public MessageFrame Frame { get; }

    /// <summary>The inputs, in the order of the numbers.</summary>
    public IReadOnlyList<Interrupt> Inputs { get; }
}
