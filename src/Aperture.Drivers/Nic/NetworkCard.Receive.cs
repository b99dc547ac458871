using Aperture.Datasheets.Nic;
using Aperture.Dma.Memory;

namespace Aperture.Drivers.Nic;

/// <summary>The receive ring.</summary>
public sealed partial class NetworkCard
{
    private readonly ReceivePool _pool;
    private readonly int[] _posted;      // the half-page behind each descriptor
    private CoherentBuffer _receiveRing; // empty while closed
    private uint _receiveTail;           // descriptors given to the card
    private uint _receiveHead;           // descriptors looked at since
    private bool _isPolling;             // the loop below is running: who gives a buffer back within it need not refill

    /// <summary>Frames received, those to others included.</summary>
    public ulong ReceivedFrames { get; private set; }

    /// <summary>Frames to others, of which only the header was looked at.</summary>
    public ulong Filtered { get; private set; }

    /// <summary>Frames that the card dropped for want of a buffer, until it was closed last.</summary>
    public ulong Dropped { get; private set; }

    /// <summary>Half-pages that went to the card again without a new mapping.</summary>
    public ulong Recycled => _pool.Recycled;

    /// <summary>Pages that are mapped for received frames.</summary>
    public int MappedPages => _pool.Mapped;

    internal ReadOnlySpan<byte> BytesOf(int half, int length) => _pool.Bytes(half, 0, length);

    internal void GiveBack(int half, int length)
    {
        _pool.Return(half, length);
        if (_isRunning && !_isPolling)
            Refill();
    }

    /// <summary>Fills the free places of the ring with half-pages, as many as there are.</summary>
    private void Refill()
    {
        var before = _receiveTail;
        while (_receiveTail - _receiveHead < (uint)_posted.Length && _pool.TryTake(out var half))
        {
            var place = (int)(_receiveTail & (uint)(_posted.Length - 1));
            _posted[place] = half;
            new NicReceiveDescriptor(_pool.AddressOf(half).Value, ReceivePool.HalfBytes, 0)
                .Write(_receiveRing.Span[(place * NicReceiveDescriptor.Size)..]);
            _receiveTail++;
        }

        if (_receiveTail != before)
            _registers.Write32(NicRegisters.ReceiveTail, _receiveTail);
    }

    /// <summary>Takes what has come, in order.</summary>
    private void Poll()
    {
        if (_isPolling)
            return;
        _isPolling = true;
        try
        {
            while (_isRunning && _receiveHead != _receiveTail)
            {
                var place = (int)(_receiveHead & (uint)(_posted.Length - 1));
                var descriptor = NicReceiveDescriptor.Read(_receiveRing.Span[(place * NicReceiveDescriptor.Size)..]);
                if (!descriptor.IsDone)
                    break;
                _receiveHead++;
                Take(_posted[place], descriptor.Length);
                Refill();
            }
        }
        finally
        {
            _isPolling = false;
        }
    }

    /// <summary>Looks at the header alone first: a frame to somebody else costs no more.</summary>
    private void Take(int half, int length)
    {
        ReceivedFrames++;
        var head = Math.Min(length, EthernetHeader.Size);
        _pool.SyncForCpu(half, 0, head);
        if (head < EthernetHeader.Size || Received is not { } received)
        {
            Filtered++;
            _pool.Return(half, head);
            return;
        }

        var header = EthernetHeader.Read(_pool.Bytes(half, 0, head));
        if (Address != 0 && header.Destination != Address && header.Destination != EthernetHeader.Broadcast)
        {
            Filtered++;
            _pool.Return(half, head);
            return;
        }

        if (length > head)
            _pool.SyncForCpu(half, head, length - head);
        received(new ReceivedFrame(this, half, length, header));
    }

    private void TakeBackReceive()
    {
        for (; _receiveHead != _receiveTail; _receiveHead++)
            _pool.Return(_posted[(int)(_receiveHead & (uint)(_posted.Length - 1))], 0);
    }
}
