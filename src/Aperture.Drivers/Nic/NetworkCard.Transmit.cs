using Aperture.Core;
using Aperture.Datasheets.Nic;
using Aperture.Dma;
using Aperture.Dma.Memory;

namespace Aperture.Drivers.Nic;

/// <summary>The transmit ring.</summary>
public sealed partial class NetworkCard
{
    /// <summary>The most pieces of a frame.</summary>
    public const int MaxFragments = 8;

    private readonly Outgoing[] _frames;  // by the place of the first descriptor of a frame
    private CoherentBuffer _transmitRing; // empty while closed
    private uint _transmitTail;           // descriptors filled in
    private uint _transmitHead;           // descriptors that are the driver's again
    private uint _rung;                   // what the card was told of the tail

    /// <summary>Frames sent.</summary>
    public ulong SentFrames { get; private set; }

    /// <summary>Frames queued: a frame's pieces are the caller's again when <see cref="SentFrames"/> has reached what this was after its
    /// queueing.</summary>
    public ulong QueuedFrames { get; private set; }

    /// <summary>Frames that were queued and given up, when the card was closed or the system slept.</summary>
    public ulong Lost { get; private set; }

    /// <summary>Queues a frame of several pieces, and does not tell the card yet: see <see cref="Kick"/>.</summary>
    /// <param name="fragments">Header and payload, in order; they are the card's until the frame is sent.</param>
    /// <returns><see cref="Status.Busy"/>: the ring is full, or the card is not open or has failed; <see cref="Status.InvalidArgument"/>:
    /// no byte, too many pieces or bytes; or what mapping failed with.</returns>
    public Status TryQueue(params ReadOnlySpan<MemoryBlock> fragments)
    {
        var bytes = 0L;
        foreach (var fragment in fragments)
            bytes += fragment.Length;
        if (bytes is 0 or > NicRegisters.MaxFrame || fragments.Length > MaxFragments)
            return Status.InvalidArgument;
        if (!_isRunning || Failure is not null || _frames.Length - (int)(_transmitTail - _transmitHead) < fragments.Length)
            return Status.Busy;
        // The table of the frame's first place is free: its last frame ended before the place became free.
        var table = _frames[Place(_transmitTail)].Table;
        try
        {
            table.Map(_device.Dma, fragments, DmaDirection.ToDevice);
        }
        catch (ApertureException e)
        {
            return e.Status;
        }

        var segments = table.Segments;
        var first = _frames[Place(_transmitTail)];
        first.Descriptors = segments.Length;
        for (var i = 0; i < segments.Length; i++, _transmitTail++)
            new NicTransmitDescriptor(segments[i].Address.Value, (uint)segments[i].Length, i == segments.Length - 1
                ? NicTransmitDescriptor.End : 0).Write(_transmitRing.Span[(Place(_transmitTail) * NicTransmitDescriptor.Size)..]);
        QueuedFrames++;
        return Status.Ok;
    }

    /// <summary>Tells the card of all queued frames.</summary>
    public void Kick()
    {
        if (!_isRunning || _rung == _transmitTail)
            return;
        _rung = _transmitTail;
        _registers.Write32(NicRegisters.TransmitTail, _transmitTail);
    }

    private int Place(uint count) => (int)(count & (uint)(_frames.Length - 1));

    /// <summary>Unmaps what was sent, in order.</summary>
    private void Reap()
    {
        while (_transmitHead != _rung)
        {
            var frame = _frames[Place(_transmitHead)];
            var last = Place(_transmitHead + (uint)(frame.Descriptors - 1));
            if (!NicTransmitDescriptor.Read(_transmitRing.Span[(last * NicTransmitDescriptor.Size)..]).IsDone)
                return;
            frame.Table.Unmap();
            _transmitHead += (uint)frame.Descriptors;
            SentFrames++;
        }
    }

    private void TakeBackTransmit()
    {
        while (_transmitHead != _transmitTail)
        {
            var frame = _frames[Place(_transmitHead)];
            frame.Table.Unmap();
            _transmitHead += (uint)frame.Descriptors;
            Lost++;
        }

        _rung = 0;
    }

    /// <summary>A frame on its way out, at the place of its first descriptor.</summary>
    private sealed class Outgoing
    {
        public ScatterTable Table { get; } = new(MaxFragments);

        public int Descriptors { get; set; }
    }
}
