using System.Net.Sockets;
using Aperture.Core;
using Aperture.Hardware.Pci;
using Aperture.Linux.Native;
using Aperture.VfioUser.Protocol;

namespace Aperture.VfioUser.Tests;

public sealed class ConnectionTests
{
    [Fact]
    public void A_device_that_was_lost_is_found_again()
    {
        using var server = new TestServer();
        using var file = TestClient.MemoryFile(0x1000);
        using var line = TestClient.Event();
        var before = OpenFiles();
        for (var i = 0; i < 20; i++)
        {
            using var client = server.Connect();
            Assert.Equal(0u, client.Read(RegionIndex.Configuration, 4, 2)); // nothing of the client before
            client.Write(RegionIndex.Configuration, 4, 2, 6);
            Assert.Equal(Errno.None, client.Map(0x4000_0000, 0x1000, file));
            Assert.Equal(Errno.None, client.SetInterrupts(0x24, InterruptIndex.Line, 0, 1, line));
            client.Write(0, 0, 4, 1);
        }

        SpinWait.SpinUntil(() => !server.Function.IsConnected && !server.Memory.Memory.Regions.Any());
        Assert.Equal(20u, server.Function.Counters.Connections);
        Assert.InRange(OpenFiles(), 0, before); // collected ones of earlier tests may go meanwhile
    }

    [Fact]
    public void The_next_client_waits_until_the_first_has_gone()
    {
        using var server = new TestServer();
        var first = server.Connect();
        using var second = new TestClient(server.Path, isAgreed: false);
        second.Send(Command.Version, new byte[4], MessageFlags.None, 1);
        Assert.Equal(0u, first.Read(0, 0, 4));
        Assert.Equal(0, second.Socket.Available);
        first.Dispose();
        Assert.Equal(0u, second.Receive(out _).Error);
    }

    [Fact]
    public void Disposing_cuts_clients_off_and_takes_the_socket_away()
    {
        var server = new TestServer();
        using var client = server.Connect();
        server.Dispose();
        Assert.True(client.IsCutOff);
        Assert.False(File.Exists(server.Path));
    }

    [Fact]
    public void A_socket_that_was_left_behind_is_replaced_and_one_in_use_is_not()
    {
        using var server = new TestServer();
        using var other = new VfioUserServer();
        Assert.Equal(Status.Busy, Assert.Throws<ApertureException>(() => other.Serve(server.Path, server.Function)).Status);
        Assert.Equal(Status.InvalidArgument,
            Assert.Throws<ApertureException>(() => other.Serve("/nowhere/at/all", server.Function)).Status);
        Assert.Equal(Status.InvalidArgument,
            Assert.Throws<ApertureException>(() => other.Serve("/tmp/" + new string('x', 120), server.Function)).Status);
        var left = server.Path + ".left";
        using (var socket = new Socket(AddressFamily.Unix,
            SocketType.Stream, ProtocolType.Unspecified))
        {
            socket.Bind(new UnixDomainSocketEndPoint(left));
        }

        other.Serve(left, server.Function);
        using var client = new TestClient(left);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(left));
        client.Dispose();
    }

    [Fact]
    public void Functions_that_cannot_be_are_refused()
    {
        using var memory = new GuestMemory();
        var block = new TestBlock(new Hardware.Translation.DmaPort(memory.Bus));
        Action[] makers =
        [
            () => _ = new PciFunction("x", memory, new(1, 2) { Vectors = 257 }, new PciBar(block)),
            () => _ = new PciFunction("x", memory, new(1, 2) { InterruptPin = 5 }, new PciBar(block)),
            () => _ = new PciFunction("x", memory, new(1, 2) { ClassCode = 0x100_0000 }, new PciBar(block)),
            () => _ = new PciFunction("x", memory, new(1, 2), [.. Enumerable.Range(0, 7).Select(_ => new PciBar(block))]),
            () => _ = new PciBar(0x1800, false),
            () => _ = new PciBar(8, false),
            () => _ = new PciFunction("x", memory, new(1, 2), new PciBar(0x800, false)),
            () => _ = new PciBar(0x1000, false, (0xF80u, block)),
            () => _ = new PciBar(0x1000, false, (0u, block), (0x80u, block)),
            () => _ = new VfioUserServer(new VfioUserOptions { MaxMaps = 0 }),
            () => new PciFunction("x", memory, new(1, 2) { Vectors = 2 }, new PciBar(block)).Raise(2),
        ];
        Assert.NotEmpty(makers);
        Assert.All(makers, make => Assert.Throws<ApertureException>(make));
    }

    private static int OpenFiles() => Directory.GetFiles("/proc/self/fd").Length;
}
