using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Aperture.Linux.Native;
using Microsoft.Win32.SafeHandles;

namespace Aperture.VfioUser.Protocol;

/// <summary>Messages on a socket. One thread receives; any number send.</summary>
internal sealed unsafe class Connection : IDisposable
{
    /// <summary>Bytes that one access or transfer may have.</summary>
    public const int MaxTransfer = 1 << 20;

    /// <summary>Bytes that a message may have.</summary>
    public const int MaxMessage = MessageHeader.Bytes + RegionAccess.Bytes + MaxTransfer;

    private const int ControlBytes = 1040; // a header and the most descriptors that one message can have

    private readonly Socket _socket;
    private readonly int _handle;
    private readonly int _timeout;
    private readonly Lock _sending = new();
    private readonly byte[] _body = GC.AllocateUninitializedArray<byte>(MaxMessage - MessageHeader.Bytes, pinned: true);

    public Connection(Socket socket, TimeSpan timeout)
    {
        _socket = socket;
        _handle = (int)socket.Handle;
        _timeout = (int)Math.Min(timeout.TotalMilliseconds, int.MaxValue);
    }

    /// <summary>Waits for the next header.</summary>
    /// <param name="header">The header.</param>
    /// <param name="files">Gets the descriptors that came with it; the caller's to close.</param>
    /// <returns>False when the client has gone.</returns>
    public bool TryReceiveHeader(out MessageHeader header, List<SafeFileHandle> files)
    {
        fixed (MessageHeader* start = &header)
            return TryReceive((byte*)start, MessageHeader.Bytes, files);
    }

    /// <summary>Waits for what comes behind a header.</summary>
    /// <param name="length">How many bytes; at most what <see cref="MaxMessage"/> leaves.</param>
    /// <param name="body">The bytes; good until the next call.</param>
    /// <returns>False when the client has gone.</returns>
    public bool TryReceiveBody(int length, out ReadOnlySpan<byte> body)
    {
        body = _body.AsSpan(0, length);
        fixed (byte* start = _body)
            return TryReceive(start, length, null);
    }

    /// <summary>Sends bytes, whole.</summary>
    /// <returns>False when the client has gone, or does not take them; it is cut off then.</returns>
    public bool TrySend(ReadOnlySpan<byte> message)
    {
        lock (_sending)
        {
            fixed (byte* start = message)
            {
                for (var sent = 0; sent < message.Length;)
                {
                    var count = (int)Libc.Send(_handle, start + sent, (nuint)(message.Length - sent), Libc.MessageNoSignal);
                    if (count > 0)
                        sent += count;
                    else if (!CanGoOn(Libc.PollOut, _timeout))
                        return Cut();
                }
            }
        }

        return true;
    }

    /// <summary>Ends the connection; who waits for the client hears that it has gone.</summary>
    /// <returns>False.</returns>
    public bool Cut()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (SocketException)
        {
            // It has ended by itself.
        }
        catch (ObjectDisposedException)
        {
            // So has its thread.
        }

        return false;
    }

    public void Dispose() => _socket.Dispose();

    private bool TryReceive(byte* start, int length, List<SafeFileHandle>? files)
    {
        for (var received = 0; received < length;)
        {
            var count = Receive(start + received, length - received, received == 0 ? files : null);
            if (count > 0)
                received += count;
            else if (count == 0 || !CanGoOn(Libc.PollIn, -1))
                return false;
        }

        return true;
    }

    [SkipLocalsInit]
    private int Receive(byte* start, int length, List<SafeFileHandle>? files)
    {
        var vector = new SocketVector { Start = start, Length = (nuint)length };
        var message = new SocketMessage { Vectors = &vector, VectorCount = 1 };
        var control = stackalloc byte[ControlBytes];
        if (files is not null)
        {
            message.Control = control;
            message.ControlLength = ControlBytes;
        }

        var count = (int)Libc.ReceiveMessage(_handle, &message, Libc.MessageCloseOnExec);
        if (count > 0 && files is not null && message.ControlLength > 0)
            Take(control, (int)message.ControlLength, files);
        return count;
    }

    private static void Take(byte* control, int length, List<SafeFileHandle> files)
    {
        var headerBytes = sizeof(ControlHeader);
        for (var at = 0; at + headerBytes <= length;)
        {
            ref var header = ref *(ControlHeader*)(control + at);
            if (header.Level == Libc.SocketLevel && header.Type == Libc.RightsMessage)
            {
                var numbers = new ReadOnlySpan<int>(control + at + headerBytes, ((int)header.Length - headerBytes) / sizeof(int));
                foreach (var number in numbers)
                    files.Add(new SafeFileHandle(number, ownsHandle: true));
            }

            at += ((int)header.Length + sizeof(ulong) - 1) & -sizeof(ulong);
        }
    }

    /// <summary>After a call that failed: whether it was only too early, and now is the time.</summary>
    private bool CanGoOn(short events, int milliseconds) =>
        ErrnoExtensions.Last is Errno.Interrupted || (ErrnoExtensions.Last is Errno.Again && Wait(events, milliseconds));

    private bool Wait(short events, int milliseconds)
    {
        var entry = new PollEntry { File = _handle, Events = events };
        int ready;
        do
            ready = Libc.Poll(&entry, 1, milliseconds);
        while (ready < 0 && ErrnoExtensions.Last == Errno.Interrupted);
        return ready > 0;
    }
}
