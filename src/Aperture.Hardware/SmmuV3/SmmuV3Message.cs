using System.Buffers.Binary;
using System.Collections.Concurrent;
using Aperture.Core;
using Aperture.Core.Threading;
using Aperture.Datasheets.SmmuV3;
using Aperture.Hardware.Bus;

namespace Aperture.Hardware.SmmuV3;

/// <summary>The unit's own messages: words that it writes to physical addresses once the thread that caused them holds no lock, and what
/// it waits for has ended.</summary>
internal sealed class SmmuV3Message(SmmuV3 unit, SystemBus bus) : IGateEvent
{
    private readonly ConcurrentQueue<(PhysicalAddress Address, uint Data, SmmuV3GlobalErrors Error)> _waiting = new();

    /// <summary>Sends a message.</summary>
    /// <param name="address">Where to.</param>
    /// <param name="data">The word.</param>
    /// <param name="error">What it means when it does not arrive.</param>
    public void Post(PhysicalAddress address, uint data, SmmuV3GlobalErrors error)
    {
        _waiting.Enqueue((address, data, error));
        EventGate.Post(this);
    }

    /// <inheritdoc/>
    void IGateEvent.Deliver()
    {
        if (!_waiting.TryDequeue(out var message))
            return;
        Span<byte> word = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(word, message.Data);
        if (!bus.TryWrite(message.Address, word, unit.Options.IsCoherent))
            unit.LoseMessage(message.Error);
    }
}
