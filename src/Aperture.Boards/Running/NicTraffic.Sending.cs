using Aperture.Core;
using Aperture.Datasheets.Nic;
using Aperture.Dma.Memory;

namespace Aperture.Boards.Running;

// Frames in pieces, as a network stack has them.
public sealed partial class NicTraffic
{
    private const int MaxPieces = 4;
    private const int MaxWaits = 100_000;

    private static readonly TimeSpan s_wait = TimeSpan.FromMicroseconds(10);

    private readonly Queue<(MemoryBlock[] Pieces, ulong Until)> _sending = new(); // whose memory the card may still read

    private void Send(uint number, ulong to, bool kick)
    {
        var frame = Frame(number, to, Length());
        var pieces = new MemoryBlock[1 + _random.Next(MaxPieces)];
        try
        {
            for (var i = 0; i < pieces.Length; i++)
            {
                // The header by itself, then the payload cut anywhere, each piece somewhere in a page of its own.
                var length = i == pieces.Length - 1 ? frame.Length : i == 0 ? EthernetHeader.Size : Math.Max(1, frame.Length / 3);
                var page = card.Device.Dma.Memory.Allocate(PageBytes);
                pieces[i] = page.Slice(_random.Next(PageBytes - length + 1), length);
                frame[..length].CopyTo(pieces[i].Span);
                frame = frame[length..];
            }

            var status = card.TryQueue(pieces);
            if (status == Status.Busy)
            {
                card.Kick();
                LetSend(() => card.TryQueue(pieces) is var again && (status = again) != Status.Busy);
                FreeSent();
            }

            if (status != Status.Ok)
                throw new ApertureException(status, $"{card.Device.Name} could not queue frame {number}: {status}");
        }
        catch
        {
            Free(pieces);
            throw;
        }

        _sending.Enqueue((pieces, card.QueuedFrames));
        if (kick)
            card.Kick();
    }

    /// <summary>Lets time pass for a card that sends in slices, until something is so. One that sends at once has done so
    /// already.</summary>
    private void LetSend(Func<bool> isDone)
    {
        for (var waits = 0; !isDone() && waits < MaxWaits && card.SentFrames + card.Lost < card.QueuedFrames; waits++)
            machine.Clock.Advance(s_wait);
    }

    private void FreeSent()
    {
        while (_sending.TryPeek(out var frame) && card.SentFrames + card.Lost >= frame.Until)
            Free(_sending.Dequeue().Pieces);
    }

    private void Free(MemoryBlock[] pieces)
    {
        foreach (var piece in pieces)
        {
            if (piece.Length > 0)
                card.Device.Dma.Memory.Free(PageOf(piece));
        }
    }

    /// <summary>The page that a piece was cut from; only its address counts for giving it back.</summary>
    private static unsafe MemoryBlock PageOf(MemoryBlock piece) => new(null, piece.Address.AlignDown(PageBytes), PageBytes);
}
