using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Aperture.Linux.Native;
using Aperture.VfioUser.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Aperture.VfioUser.Tests;

/// <summary>A client of our own: it sends what it is told to, right or wrong.</summary>
internal sealed unsafe partial class TestClient : IDisposable
{
    private const string Wanted = """{"capabilities":{"max_msg_fds":16,"max_data_xfer_size":1048576,"write_multiple":true}}""";

    private ushort _id;

    public TestClient(string path, bool isAgreed = true)
    {
        Socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        Socket.Connect(new UnixDomainSocketEndPoint(path));
        if (isAgreed)
            Assert.Equal(Errno.None, Ask(Command.Version, [0, 0, 0, 0, .. Encoding.UTF8.GetBytes(Wanted), 0], out _));
    }

    public Socket Socket { get; }

    /// <summary>Whether the server has cut this client off.</summary>
    public bool IsCutOff
    {
        get
        {
            try
            {
                return Socket.Receive(new byte[1]) == 0;
            }
            catch (SocketException)
            {
                return true;
            }
        }
    }

    public static byte[] Bytes<T>(in T value)
        where T : unmanaged => MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)).ToArray();

    /// <summary>A sealed memory file, as emulators have them.</summary>
    public static SafeFileHandle MemoryFile(long size, bool isSealed = true)
    {
        const uint allowSealing = 2;
        const int addSeals = 1033;
        var file = Libc.CreateMemoryFile("test", allowSealing | Libc.MemfdCloseOnExec);
        Assert.Equal(0, Libc.Truncate(file, size));
        if (isSealed)
            Assert.Equal(0, Libc.FileControl(file, addSeals, Libc.SealShrink));
        return file;
    }

    public static SafeFileHandle Event() => Libc.CreateEvent(0, Libc.EventCloseOnExec | Libc.EventNonBlocking);

    /// <summary>How often an event file was signalled since it was asked last.</summary>
    public static ulong Count(SafeFileHandle file)
    {
        ulong count = 0;
        return Libc.Read(file, &count, sizeof(ulong)) == sizeof(ulong) ? count : 0;
    }

    public void Dispose() => Socket.Dispose();

    /// <summary>Sends a request and waits for its reply.</summary>
    /// <returns>The error of the reply.</returns>
    public Errno Ask(Command command, ReadOnlySpan<byte> body, out byte[] reply, params ReadOnlySpan<SafeFileHandle> files)
    {
        var id = ++_id;
        Send(command, body, MessageFlags.None, id, files);
        var header = Receive(out reply);
        Assert.Equal(id, header.Id);
        Assert.Equal(command, header.Command);
        Assert.Equal(header.Error == 0 ? MessageFlags.Reply : MessageFlags.Reply | MessageFlags.Error, header.Flags);
        return (Errno)header.Error;
    }

    public Errno Ask<T>(Command command, in T body, out byte[] reply, params ReadOnlySpan<SafeFileHandle> files)
        where T : unmanaged => Ask(command, Bytes(body).AsSpan(), out reply, files);

    public void Send(
        Command command, ReadOnlySpan<byte> body, MessageFlags flags, ushort id, params ReadOnlySpan<SafeFileHandle> files)
    {
        var header = new MessageHeader
        {
            Id = id,
            Command = command,
            Size = (uint)(MessageHeader.Bytes + body.Length),
            Flags = flags,
        };
        SendRaw([.. Bytes(header), .. body], files);
    }

    public void SendRaw(ReadOnlySpan<byte> message, params ReadOnlySpan<SafeFileHandle> files)
    {
        var control = stackalloc byte[2048];
        fixed (byte* start = message)
        {
            var vector = new SocketVector { Start = start, Length = (nuint)message.Length };
            var packet = new SocketMessage { Vectors = &vector, VectorCount = 1 };
            if (files.Length > 0)
            {
                var length = sizeof(ControlHeader) + (sizeof(int) * files.Length);
                *(ControlHeader*)control = new ControlHeader
                {
                    Length = (nuint)length,
                    Level = Libc.SocketLevel,
                    Type = Libc.RightsMessage,
                };
                for (var i = 0; i < files.Length; i++)
                    ((int*)(control + sizeof(ControlHeader)))[i] = (int)files[i].DangerousGetHandle();
                packet.Control = control;
                packet.ControlLength = (nuint)((length + 7) & ~7);
            }

            var sent = (int)SendMessage((int)Socket.Handle, &packet, Libc.MessageNoSignal);
            for (; sent >= 0 && sent < message.Length; sent += Socket.Send(message[sent..]))
            {
            }
        }
    }

    public MessageHeader Receive(out byte[] body)
    {
        var header = MemoryMarshal.Read<MessageHeader>(ReceiveBytes(MessageHeader.Bytes));
        body = ReceiveBytes((int)header.Size - MessageHeader.Bytes);
        return header;
    }

    public Errno Map(ulong address, ulong size, SafeFileHandle? file, ulong offset = 0, uint rights = 3)
    {
        var request = new DmaMapRequest
        {
            ArgumentSize = DmaMapRequest.Bytes,
            Flags = rights,
            Offset = offset,
            Address = address,
            Size = size,
        };
        return file is null ? Ask(Command.DmaMap, request, out _) : Ask(Command.DmaMap, request, out _, file);
    }

    public Errno Unmap(ulong address, ulong size, uint flags = 0) => Ask(Command.DmaUnmap,
        new DmaUnmapRequest { ArgumentSize = DmaUnmapRequest.Bytes, Flags = flags, Address = address, Size = size }, out _);

    public ulong Read(uint region, ulong offset, int width)
    {
        Assert.Equal(Errno.None, Ask(Command.RegionRead,
            new RegionAccess { Offset = offset, Region = region, Count = (uint)width }, out var reply));
        Assert.Equal(RegionAccess.Bytes + width, reply.Length);
        var value = new byte[sizeof(ulong)];
        reply.AsSpan(RegionAccess.Bytes).CopyTo(value);
        return BitConverter.ToUInt64(value);
    }

    public void Write(uint region, ulong offset, int width, ulong value)
    {
        var access = new RegionAccess { Offset = offset, Region = region, Count = (uint)width };
        byte[] body = [.. Bytes(access), .. Bytes(value).AsSpan(0, width)];
        Assert.Equal(Errno.None, Ask(Command.RegionWrite, body.AsSpan(), out _));
    }

    public Errno SetInterrupts(uint flags, uint index, uint start, uint count, params ReadOnlySpan<SafeFileHandle> files) =>
        Ask(Command.SetInterrupts, new InterruptRequest
        {
            ArgumentSize = InterruptRequest.Bytes,
            Flags = flags,
            Index = index,
            Start = start,
            Count = count,
        }, out _, files);

    private byte[] ReceiveBytes(int count)
    {
        var bytes = new byte[count];
        for (var received = 0; received < count;)
        {
            var more = Socket.Receive(bytes.AsSpan(received));
            if (more == 0)
                throw new EndOfStreamException("the server has cut the client off");
            received += more;
        }

        return bytes;
    }

    [LibraryImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    private static partial nint SendMessage(int socket, SocketMessage* message, int flags);
}
