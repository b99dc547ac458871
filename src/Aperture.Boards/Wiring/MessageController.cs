using System.Numerics;
using Aperture.Core;
using Aperture.Devices;
using Aperture.Hardware.Bus;

namespace Aperture.Boards.Wiring;

/// <summary>Gives out the messages of a frame.</summary>
/// <remarks>Thread-safe. The lowest free ones first, so that equal runs have equal numbers.</remarks>
public sealed class MessageController : IMessageController
{
    private readonly MessageInterrupts _messages;
    private readonly PhysicalAddress _frame;
    private readonly Lock _lock = new();
    private readonly bool[] _taken; // guarded by the lock

    /// <summary>A controller.</summary>
    /// <param name="messages">The frame and the inputs behind it.</param>
    /// <param name="frame">Where the frame is.</param>
    public MessageController(MessageInterrupts messages, PhysicalAddress frame)
    {
        ArgumentNullException.ThrowIfNull(messages);
        _messages = messages;
        _frame = frame;
        _taken = new bool[messages.Inputs.Count];
    }

    /// <inheritdoc/>
    public IReadOnlyList<InterruptMessage>? TryAllocate(int count)
    {
        if (count < 1 || !BitOperations.IsPow2(count))
            throw new ApertureException(Status.InvalidArgument, $"{count} messages are no power of two");
        lock (_lock)
        {
            var first = (int)((count - (_messages.Frame.First % (uint)count)) % (uint)count); // the first place of an aligned number
            for (; first + count <= _taken.Length; first += count)
            {
                if (_taken.AsSpan(first, count).Contains(true))
                    continue;
                _taken.AsSpan(first, count).Fill(true);
                return [.. Enumerable.Range(first, count).Select(Message)];
            }
        }

        return null;
    }

    /// <inheritdoc/>
    public void Free(IReadOnlyList<InterruptMessage> messages)
    {
        ArgumentNullException.ThrowIfNull(messages);
        lock (_lock)
        {
            foreach (var message in messages)
                _taken[(int)(message.Data - _messages.Frame.First)] = false;
        }
    }

    private InterruptMessage Message(int place) =>
        new(_frame + MessageFrame.SetSpi, _messages.Frame.First + (uint)place, _messages.Inputs[place]);
}
