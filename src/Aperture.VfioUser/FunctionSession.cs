using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Aperture.Core;
using Aperture.Linux.Native;
using Aperture.VfioUser.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Aperture.VfioUser;

/// <summary>Serves one client of a function, on one thread, from its first message to its last. Whatever is wrong with a message, the
/// client gets an error for a reply or is cut off: the server goes on.</summary>
internal sealed partial class FunctionSession : IDisposable
{
    [ThreadStatic]
    private static bool t_isServing;

    private readonly PciFunction _function;
    private readonly VfioUserOptions _options;
    private readonly Connection _connection;
    private readonly ClientMessages _messages;
    private readonly ClientMaps _maps;
    private readonly List<SafeFileHandle> _files = []; // those of the message that is being handled
    private readonly byte[] _reply = GC.AllocateUninitializedArray<byte>(Connection.MaxMessage, pinned: true);
    private bool _isAgreed; // the versions are
    private bool _writesMulti;
    private string? _end;   // why the client is cut off
    private string _why = ""; // what was wrong with the message

    public FunctionSession(PciFunction function, VfioUserOptions options, Connection connection)
    {
        _function = function;
        _options = options;
        _connection = connection;
        _messages = new ClientMessages(connection, options.MessageTimeout);
        _maps = function.Memory.Join(function);
    }

    /// <summary>Whether the calling thread serves a client, which then waits and answers nothing itself.</summary>
    public static bool IsServing => t_isServing;

    /// <summary>Serves until the client goes or is cut off.</summary>
    public void Run()
    {
        t_isServing = true;
        _function.Observer?.OnConnected(_function);
        while (_end is null && _connection.TryReceiveHeader(out var header, _files))
            ServeMessage(header);
        t_isServing = false;
    }

    /// <summary>Forgets the client: its memory, its event files, what waits for its answers.</summary>
    public void Dispose()
    {
        CloseFiles();
        _messages.Dispose();
        _function.Disconnect();
        _maps.Leave();
        _function.Observer?.OnDisconnected(_function, _end ?? "the client has gone");
    }

    private void ServeMessage(in MessageHeader header)
    {
        if (header.Size is < MessageHeader.Bytes or > Connection.MaxMessage)
        {
            // What follows cannot be told from the next message.
            CutOff($"a message cannot have {header.Size} bytes");
            Refuse(header, Errno.Invalid);
            return;
        }

        if (!_connection.TryReceiveBody((int)header.Size - MessageHeader.Bytes, out var body))
        {
            _end = "the client has gone within a message";
            return;
        }

        if ((header.Flags & MessageFlags.TypeMask) == MessageFlags.Reply)
        {
            if (_files.Count > 0 || !_messages.TryAnswer(header, body))
                CutOff("a reply that answers nothing");
            CloseFiles();
            return;
        }

        _function.Tally = _function.Tally with { Requests = _function.Tally.Requests + 1 };
        var length = 0;
        var error = Handle(header, body, ref length);
        CloseFiles();
        if (error != Errno.None)
            Refuse(header, error);
        else if ((header.Flags & MessageFlags.NoReply) == 0)
            Reply(header, MessageFlags.Reply, length, Errno.None);
    }

    private Errno Handle(in MessageHeader header, ReadOnlySpan<byte> body, ref int length)
    {
        if ((header.Flags & ~MessageFlags.NoReply) != MessageFlags.None)
            return Invalid("flags that mean nothing in a request");
        if (_files.Count > 0 && header.Command is not (Command.DmaMap or Command.SetInterrupts))
            return Invalid("descriptors that do not belong to it");
        if (!_isAgreed && header.Command != Command.Version)
        {
            CutOff("versions come first");
            return Errno.Invalid;
        }

        var answer = new ReplyWriter(_reply.AsSpan(MessageHeader.Bytes));
        Errno error;
        try
        {
            error = Dispatch(header.Command, body, ref answer);
        }
#pragma warning disable CA1031 // a fault of a model ends neither the server nor its client
        catch (Exception e)
        {
            _why = e.Message;
            error = e is ApertureException known ? (Errno)(-(int)known.Status) : Errno.IoError;
        }
#pragma warning restore CA1031
        length = answer.Length;
        return error;
    }

    private Errno Dispatch(Command command, ReadOnlySpan<byte> body, ref ReplyWriter reply) => command switch
    {
        Command.Version => Agree(body, ref reply),
        Command.DmaMap => MapMemory(body),
        Command.DmaUnmap => UnmapMemory(body, ref reply),
        Command.GetInfo => GetInfo(body, ref reply),
        Command.GetRegionInfo => GetRegionInfo(body, ref reply),
        Command.GetRegionFiles => GetRegionFiles(body, ref reply),
        Command.GetInterruptInfo => GetInterruptInfo(body, ref reply),
        Command.SetInterrupts => SetInterrupts(body),
        Command.RegionRead => ReadRegion(body, ref reply),
        Command.RegionWrite => WriteRegion(body, ref reply),
        Command.RegionWriteMulti => WriteRegions(body, ref reply),
        Command.Reset => ResetFunction(body),
        Command.DirtyPages or Command.Feature => Fail(Errno.NotSupported, "migration is not offered"),
        _ => Fail(Errno.NotSupported, "there is no such command"),
    };

    private Errno Agree(ReadOnlySpan<byte> body, ref ReplyWriter reply)
    {
        if (_isAgreed)
            return Invalid("versions were agreed on before");
        if (body.Length < 2 * sizeof(ushort) || MemoryMarshal.Read<ushort>(body) != 0
            || !Capabilities.TryParse(body[(2 * sizeof(ushort))..], out var capabilities))
        {
            CutOff("no version 0 with capabilities");
            return Errno.Invalid;
        }

        _isAgreed = true;
        _writesMulti = capabilities.WritesMulti;
        reply.Put((ushort)0);
        reply.Put((ushort)0);
        reply.Put(Capabilities.Answer(_writesMulti, _options.MaxMaps));
        _function.Connect(new ClientChannel(_messages, capabilities.MaxTransfer));
        return Errno.None;
    }

    private Errno MapMemory(ReadOnlySpan<byte> body)
    {
        if (!TryTake(body, out DmaMapRequest request) || _files.Count > 1)
            return Invalid("no request to map, or too many descriptors");
        var error = _maps.Map(request, _files.Count == 1 ? _files[0] : null, _options);
        return error switch
        {
            Errno.None => error,
            Errno.NotPermitted => Fail(error, "the file is no sealed memory file, which could shrink under the server's hands"),
            Errno.Exists => Fail(error, "something is mapped there"),
            Errno.NoSpace => Fail(error, "too many maps"),
            _ => Fail(error, "not acceptable as a map"),
        };
    }

    private Errno UnmapMemory(ReadOnlySpan<byte> body, ref ReplyWriter reply)
    {
        if (!TryTake(body, out DmaUnmapRequest request))
            return Invalid("no request to unmap");
        reply.Put(request);
        var error = _maps.Unmap(request);
        return error == Errno.None ? error : Fail(error, "no whole maps are there, or flags of migration");
    }

    private Errno ResetFunction(ReadOnlySpan<byte> body)
    {
        if (!body.IsEmpty)
            return Invalid("a reset has no arguments");
        _function.Reset();
        _function.Observer?.OnReset(_function);
        return Errno.None;
    }

    /// <summary>The arguments, if they are exactly as long as they must be.</summary>
    private static bool TryTake<T>(ReadOnlySpan<byte> body, out T arguments)
        where T : unmanaged => MemoryMarshal.TryRead(body, out arguments) && body.Length == Unsafe.SizeOf<T>();

    private Errno Invalid(string why) => Fail(Errno.Invalid, why);

    private Errno Fail(Errno error, string why)
    {
        _why = why;
        return error;
    }

    private void CutOff(string why)
    {
        _why = why;
        _end = $"cut off: {why}";
    }

    private void Refuse(in MessageHeader header, Errno error)
    {
        _function.Tally = _function.Tally with { Refused = _function.Tally.Refused + 1 };
        _function.Observer?.OnRefused(_function, (int)header.Command, _why);
        CloseFiles();
        if ((header.Flags & MessageFlags.NoReply) == 0)
            Reply(header, MessageFlags.Reply | MessageFlags.Error, 0, error);
    }

    private void Reply(in MessageHeader header, MessageFlags flags, int length, Errno error)
    {
        var reply = new MessageHeader
        {
            Id = header.Id,
            Command = header.Command,
            Size = (uint)(MessageHeader.Bytes + length),
            Flags = flags,
            Error = (uint)error,
        };
        Unsafe.WriteUnaligned(ref _reply[0], reply);
        if (!_connection.TrySend(_reply.AsSpan(0, MessageHeader.Bytes + length)))
            _end ??= "the client takes no replies";
    }

    private void CloseFiles()
    {
        foreach (var file in _files)
            file.Dispose();
        _files.Clear();
    }
}
