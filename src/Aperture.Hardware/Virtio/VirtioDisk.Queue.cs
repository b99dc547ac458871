using System.Runtime.InteropServices;
using Aperture.Core;
using Aperture.Datasheets.Virtio;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Virtio;

/// <content>The queue and its requests.</content>
public sealed partial class VirtioDisk
{
    private const int RingHeader = 4;      // flags and index
    private const int UsedElement = 8;

    private readonly VirtqueueDescriptor[] _chain = new VirtqueueDescriptor[MaxQueueSize];
    private ushort _seen; // available entries that were done

    /// <summary>Does what is in the queue, until it is empty or an access does not go through.</summary>
    private void Work()
    {
        while (!IsStalled && _isReady && (_status & (VirtioStatus.DriverOk | VirtioStatus.NeedsReset)) == VirtioStatus.DriverOk)
        {
            var status = TryOne(out var isEmpty);
            IsStalled = status == DmaStatus.Stalled;
            if (isEmpty || IsStalled)
                return;
            if (status != DmaStatus.Ok)
                _status |= VirtioStatus.NeedsReset;
        }
    }

    private DmaStatus TryOne(out bool isEmpty)
    {
        isEmpty = false;
        ushort index = 0, head = 0;
        var status = Load(_available + 2, ref index);
        if (status != DmaStatus.Ok)
            return status;
        isEmpty = index == _seen;
        if (isEmpty)
            return DmaStatus.Ok;
        Thread.MemoryBarrier(); // the driver wrote the entry before the index
        status = Load(_available + RingHeader + (2 * (_seen % (ulong)_queueSize)), ref head);
        if (status == DmaStatus.Ok)
            status = TryLoadChain(head, out var length) is not DmaStatus.Ok and var failed ? failed : Do(head, _chain.AsSpan(0, length));
        return status;
    }

    private DmaStatus TryLoadChain(ushort head, out int length)
    {
        length = 0;
        for (var at = head; ; at = _chain[length - 1].Next)
        {
            if (at >= _queueSize || length == (int)_queueSize)
                return DmaStatus.Refused; // a chain that leaves the queue, or bites its tail
            var status = Load(_descriptors + ((ulong)VirtqueueDescriptor.Bytes * at), ref _chain[length]);
            if (status != DmaStatus.Ok)
                return status;
            length++;
            if (!_chain[length - 1].HasNext)
                return DmaStatus.Ok;
        }
    }

    private DmaStatus Do(ushort head, ReadOnlySpan<VirtqueueDescriptor> chain)
    {
        Span<byte> header = stackalloc byte[VirtioBlockRequest.HeaderBytes];
        if (chain.Length < 2 || chain[0].IsWritten || chain[0].Length < VirtioBlockRequest.HeaderBytes || !chain[^1].IsWritten
            || chain[^1].Length == 0)
        {
            return DmaStatus.Refused; // no request
        }

        var status = _port.Read(new Iova(chain[0].Address), header, out _);
        if (status != DmaStatus.Ok)
            return status;
        var kind = MemoryMarshal.Read<uint>(header);
        var sector = MemoryMarshal.Read<ulong>(header[8..]);
        GoAstray(sector, chain[1..^1]);
        status = Transfer(kind, sector, chain[1..^1], out var written, out var result);
        if (status == DmaStatus.Stalled)
            return status;
        if (status != DmaStatus.Ok)
            result = VirtioBlockRequest.Error;
        status = _port.Write(new Iova(chain[^1].Address), [result], out _);
        return status == DmaStatus.Ok ? Finish(head, written + 1) : status;
    }

    private DmaStatus Transfer(uint kind, ulong sector, ReadOnlySpan<VirtqueueDescriptor> data, out uint written, out byte result)
    {
        written = 0;
        result = kind is VirtioBlockRequest.Read or VirtioBlockRequest.Write or VirtioBlockRequest.Flush
            ? VirtioBlockRequest.Ok
            : VirtioBlockRequest.Unsupported;
        if (kind is not (VirtioBlockRequest.Read or VirtioBlockRequest.Write))
            return DmaStatus.Ok;
        var at = sector * VirtioBlockRequest.SectorBytes;
        foreach (ref readonly var piece in data)
        {
            if (piece.IsWritten != (kind == VirtioBlockRequest.Read) || sector > (ulong)Content.Length || at > (ulong)Content.Length
                || piece.Length > (ulong)Content.Length - at)
            {
                result = VirtioBlockRequest.Error;
                return DmaStatus.Ok;
            }

            var content = Content.Span.Slice((int)at, (int)piece.Length);
            var status = kind == VirtioBlockRequest.Read
                ? _port.Write(new Iova(piece.Address), content, out _)
                : _port.Read(new Iova(piece.Address), content, out _);
            if (status != DmaStatus.Ok)
                return status;
            written += kind == VirtioBlockRequest.Read ? piece.Length : 0;
            at += piece.Length;
            Bytes += piece.Length;
        }

        return DmaStatus.Ok;
    }

    private DmaStatus Finish(ushort head, uint written)
    {
        ushort index = 0;
        var status = Load(_used + 2, ref index);
        if (status == DmaStatus.Ok)
            status = Store(_used + RingHeader + (UsedElement * (index % (ulong)_queueSize)), (ulong)head | ((ulong)written << 32));
        Thread.MemoryBarrier(); // so does the device
        if (status == DmaStatus.Ok)
            status = Store(_used + 2, (ushort)(index + 1));
        if (status != DmaStatus.Ok)
            return status;
        _seen++;
        Requests++;
        _interruptStatus |= UsedBuffer;
        return DmaStatus.Ok;
    }

    private void GoAstray(ulong sector, ReadOnlySpan<VirtqueueDescriptor> data)
    {
        ulong bytes = 0;
        foreach (ref readonly var piece in data)
            bytes += piece.Length;
        if (Stray is not { } stray || stray.Sector < sector || stray.Sector >= sector + (bytes / VirtioBlockRequest.SectorBytes))
            return;
        Stray = null;
        Span<byte> word = stackalloc byte[sizeof(uint)];
        if (stray.IsWrite)
            _port.Write(stray.Address, word, out _);
        else
            _port.Read(stray.Address, word, out _);
    }

    private DmaStatus Load<T>(ulong address, ref T value)
        where T : unmanaged => _port.Read(new Iova(address), MemoryMarshal.AsBytes(new Span<T>(ref value)), out _);

    private DmaStatus Store<T>(ulong address, T value)
        where T : unmanaged => _port.Write(new Iova(address), MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)), out _);
}
