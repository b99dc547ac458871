using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Aperture.VfioUser.Protocol;

/// <summary>Messages of the server's own to a client, and their replies: reads and writes of memory that the client has not
/// shared.</summary>
/// <remarks>Any number of threads, except those that serve a client: that client waits for its own answer and gives none.</remarks>
internal sealed class ClientMessages(Connection connection, TimeSpan timeout) : IDisposable
{
    private const ushort OwnId = 0x8000; // clients count from 0 on; the two sides' numbers are apart anyhow
    private const int MostPending = 256;

    private readonly Lock _lock = new();
    private readonly Dictionary<ushort, Pending> _pending = [];
    private ushort _last;
    private bool _isDisposed;

    /// <summary>Reads at most as much as one message holds.</summary>
    public bool TryRead(ulong address, Span<byte> destination)
    {
        var pending = new Pending(Command.DmaRead, new DmaTransfer { Address = address, Count = (ulong)destination.Length },
            new byte[destination.Length]);
        if (!TryAsk(pending, []))
            return false;
        pending.Data.CopyTo(destination);
        return true;
    }

    /// <summary>Writes at most as much as one message holds.</summary>
    public bool TryWrite(ulong address, ReadOnlySpan<byte> source) =>
        TryAsk(new Pending(Command.DmaWrite, new DmaTransfer { Address = address, Count = (ulong)source.Length }, []), source);

    /// <summary>A reply has come.</summary>
    /// <returns>False if nobody asked for it, or not so.</returns>
    public bool TryAnswer(in MessageHeader header, ReadOnlySpan<byte> body)
    {
        lock (_lock)
        {
            if (!_pending.Remove(header.Id, out var pending))
                return false;
            return pending.TryAnswer(header, body);
        }
    }

    /// <summary>No reply will come any more.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            foreach (var pending in _pending.Values)
                pending.Fail();
            _pending.Clear();
        }
    }

    private bool TryAsk(Pending pending, ReadOnlySpan<byte> data)
    {
        ushort id;
        lock (_lock)
        {
            if (_isDisposed || _pending.Count >= MostPending)
                return false;
            do
                id = _last = (ushort)(OwnId | (_last + 1));
            while (_pending.ContainsKey(id));
            _pending.Add(id, pending);
        }

        var message = new byte[MessageHeader.Bytes + DmaTransfer.Bytes + data.Length];
        var header = new MessageHeader { Id = id, Command = pending.Command, Size = (uint)message.Length };
        Unsafe.WriteUnaligned(ref message[0], header);
        Unsafe.WriteUnaligned(ref message[MessageHeader.Bytes], pending.Transfer);
        data.CopyTo(message.AsSpan(MessageHeader.Bytes + DmaTransfer.Bytes));

        // A reply that comes too late still finds whom it was for, and harms nobody.
        return connection.TrySend(message) && pending.Wait(timeout);
    }

    private sealed class Pending(Command command, DmaTransfer transfer, byte[] data)
    {
        private readonly TaskCompletionSource<bool> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Command Command => command;

        public DmaTransfer Transfer => transfer;

        public byte[] Data => data;

        public bool Wait(TimeSpan timeout) => _done.Task.Wait(timeout) && _done.Task.Result;

        public void Fail() => _done.TrySetResult(false);

        public bool TryAnswer(in MessageHeader header, ReadOnlySpan<byte> body)
        {
            var isError = (header.Flags & MessageFlags.Error) != 0;
            var isWell = header.Command == command && (isError || (body.Length == DmaTransfer.Bytes + data.Length
                && MemoryMarshal.Read<DmaTransfer>(body) is var answer && answer.Address == transfer.Address
                && answer.Count == transfer.Count));
            if (isWell && !isError)
                body[DmaTransfer.Bytes..].CopyTo(data);
            _done.TrySetResult(isWell && !isError);
            return isWell;
        }
    }
}
