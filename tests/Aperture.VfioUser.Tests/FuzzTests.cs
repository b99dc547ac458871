using System.Globalization;
using System.Net.Sockets;
using Aperture.Linux.Native;
using Aperture.VfioUser.Protocol;
using Microsoft.Win32.SafeHandles;
using Xunit.Abstractions;

namespace Aperture.VfioUser.Tests;

/// <summary>Messages that are nearly right, by the thousand.</summary>
public sealed unsafe class FuzzTests(ITestOutputHelper output)
{
    private const ulong Ram = 0x4000_0000;
    private const int Pages = 4;

    /// <summary>How many; APERTURE_FUZZ_MESSAGES says otherwise.</summary>
    private static readonly int s_messages = int.Parse(
        Environment.GetEnvironmentVariable("APERTURE_FUZZ_MESSAGES") ?? "20000", CultureInfo.InvariantCulture);

    /// <summary>The server goes on, another client of another machine finds everything as it left it, and of a file whose middle pages are
    /// mapped the others keep their bytes.</summary>
    [Fact]
    public void Nearly_right_messages_harm_nobody_else()
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        using var server = new TestServer();
        using var other = new TestServer();
        using var file = TestClient.MemoryFile(Pages * 4096);
        using var eventFile = TestClient.Event();
        Fill(file);
        using var neighbour = other.Connect();
        neighbour.Write(0, 0, 8, 0x5EED);
        var client = Connect(server, file);
        var sent = 0;
        for (var connections = 0; sent < s_messages; sent++)
        {
            try
            {
                client.SendRaw(Make(random, out var isFramed), random.Next(8) switch
                {
                    0 => [file],
                    1 => [eventFile],
                    2 => [eventFile, file, eventFile],
                    _ => [],
                });
                Drain(client);
                if (isFramed && (!client.Socket.Poll(0, SelectMode.SelectRead) || client.Socket.Available > 0))
                    continue;
            }
            catch (SocketException)
            {
                // cut off: as good an answer as any
            }

            client.Dispose();
            client = Connect(server, file);
            if (++connections % 16 == 0)
                Assert.Equal(0x5EEDu, neighbour.Read(0, 0, 8));
        }

        client.Dispose();
        using var last = server.Connect();
        Assert.Equal(0x5678_1234u, last.Read(RegionIndex.Configuration, 0, 4));
        Assert.Equal(0x5EEDu, neighbour.Read(0, 0, 8));
        Assert.Equal(0u, other.Function.Counters.Refused);
        AssertFilled(file, 0);
        AssertFilled(file, Pages - 1);
        output.WriteLine($"{sent} messages, {server.Function.Counters}");
        Assert.InRange(server.Function.Counters.Refused, (ulong)s_messages / 10, (ulong)s_messages);
    }

    /// <summary>A client that has its middle pages mapped.</summary>
    private static TestClient Connect(TestServer server, SafeFileHandle file)
    {
        var client = server.Connect();
        Assert.Equal(Errno.None, client.Map(Ram + 4096, (Pages - 2) * 4096, file, 4096));
        return client;
    }

    /// <summary>A message.</summary>
    /// <param name="random">What decides.</param>
    /// <param name="isFramed">Whether its size is right: else the server waits for more, or takes the next one for a part of it.</param>
    private static byte[] Make(Random random, out bool isFramed)
    {
        isFramed = true;
        var command = (Command)random.Next(0, 18);
        byte[] body = command switch
        {
            Command.DmaMap => TestClient.Bytes(new DmaMapRequest
            {
                ArgumentSize = 32,
                Flags = (uint)random.Next(1, 4),
                Address = Ram + ((ulong)random.Next(-16, 16) << 12),
                Size = (ulong)random.Next(1, 9) << 12,
                Offset = 1UL << 40, // behind the file's end: only a broken check maps it
            }),
            Command.DmaUnmap => TestClient.Bytes(new DmaUnmapRequest
            {
                ArgumentSize = 24,
                Flags = (uint)random.Next(0, 3),
                Address = Ram,
                Size = (ulong)random.Next(0, 4) << 12,
            }),
            Command.GetRegionInfo => TestClient.Bytes(new Protocol.RegionInfo { ArgumentSize = 32, Index = (uint)random.Next(0, 12) }),
            Command.GetInfo or Command.GetInterruptInfo or Command.GetRegionFiles =>
                TestClient.Bytes(new InterruptInfo { ArgumentSize = 16, Index = (uint)random.Next(0, 12) }),
            Command.SetInterrupts => TestClient.Bytes(new InterruptRequest
            {
                ArgumentSize = 20,
                Flags = (uint)random.Next(0, 64),
                Index = (uint)random.Next(0, 6),
                Start = (uint)random.Next(0, 5),
                Count = (uint)random.Next(0, 5),
            }),
            Command.RegionRead => TestClient.Bytes(Access(random)),
            Command.RegionWrite => Access(random) is var access ? [.. TestClient.Bytes(access), .. Random(random, (int)access.Count)] : [],
            Command.RegionWriteMulti => [.. TestClient.Bytes(2UL), .. TestClient.Bytes(new RegionWrite { Access = Access(random) }),
                .. TestClient.Bytes(new RegionWrite { Access = Access(random), Data = Ram + (ulong)random.Next(-8192, 32768) })],
            Command.Version => [0, 0, 0, 0, .. "{\"capabilities\":{\"max_msg_fds\":1}}\0"u8],
            _ => Random(random, random.Next(0, 64)),
        };
        var header = new MessageHeader
        {
            Id = (ushort)random.Next(),
            Command = command,
            Size = (uint)(MessageHeader.Bytes + body.Length),
            Flags = random.Next(6) switch { 0 => MessageFlags.NoReply, 1 => (MessageFlags)random.Next(0, 64), _ => MessageFlags.None },
        };
        byte[] message = [.. TestClient.Bytes(header), .. body];
        for (var i = random.Next(0, 3); i > 0 && message.Length > MessageHeader.Bytes; i--) // nearly right
        {
            var at = random.Next(random.Next(16) == 0 ? 0 : MessageHeader.Bytes, message.Length);
            isFramed &= at is < 4 or > 7;
            message[at] ^= (byte)(1 << random.Next(8));
        }

        return message;
    }

    private static RegionAccess Access(Random random) => new()
    {
        Region = (uint)random.Next(0, 9),
        Offset = (ulong)(random.Next(4) == 0 ? random.NextInt64() : random.Next(0, 0x1100)),
        Count = (uint)random.Next(0, 17),
    };

    private static byte[] Random(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    /// <summary>Takes the replies, which nobody reads.</summary>
    private static void Drain(TestClient client)
    {
        Span<byte> rest = stackalloc byte[4096];
        while (client.Socket.Available > 0)
            client.Socket.Receive(rest);
    }

    private static void Fill(SafeFileHandle file)
    {
        for (var page = 0; page < Pages; page++)
            RandomAccess.Write(file, Expected(page), page * 4096L);
    }

    private static void AssertFilled(SafeFileHandle file, int page)
    {
        var found = new byte[4096];
        Assert.Equal(found.Length, RandomAccess.Read(file, found, page * 4096L));
        Assert.Equal(Expected(page), found);
    }

    private static byte[] Expected(int page) => Enumerable.Repeat((byte)(0xA0 + page), 4096).ToArray();
}
