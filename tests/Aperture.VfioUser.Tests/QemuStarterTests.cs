using System.Net.Sockets;
using Aperture.Core;
using Aperture.VfioUser.Qemu;

namespace Aperture.VfioUser.Tests;

public sealed class QemuStarterTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vfio-user-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task BARs_are_placed_before_the_guest_runs()
    {
        using var starter = new QemuStarter(_folder);
        Assert.Equal(["-S", "-qtest", $"unix:{_folder}/qtest", "-qtest-log", "none", "-qmp", $"unix:{_folder}/qmp"], starter.Arguments);
        var starting = starter.StartAsync(QemuMachine.VirtArm64, [new(1, 1, 0, 0x1000_0000), new(30, 7, 5, 0x2000_0000)], default);
        using var monitor = Connect("qmp");
        using var registers = Connect("qtest");
        monitor.WriteLine("""{"QMP": {"version": {}}}""");
        Assert.Equal("""{"execute":"qmp_capabilities"}""", monitor.ReadLine());
        monitor.WriteLine("""{"return": {}}""");
        foreach (var command in (string[])
        [
            "writel 0x4010009010 0x10000000", "writew 0x4010009004 0x6", "writel 0x40100f7024 0x20000000", "writew 0x40100f7004 0x6",
        ])
        {
            Assert.Equal(command, registers.ReadLine());
            registers.WriteLine("OK");
        }

        Assert.Equal("""{"execute":"cont"}""", monitor.ReadLine());
        monitor.WriteLine("""{"event": "RESUME"}""");
        monitor.WriteLine("""{"return": {}}""");
        await starting;
    }

    [Fact]
    public async Task What_QEMU_refuses_is_told()
    {
        using var starter = new QemuStarter(_folder);
        var starting = starter.StartAsync(QemuMachine.VirtArm, [new(1, 1, 0, 0x1000_0000)], default);
        using var monitor = Connect("qmp");
        using var registers = Connect("qtest");
        monitor.WriteLine("{}");
        monitor.ReadLine();
        monitor.WriteLine("""{"return": {}}""");
        registers.ReadLine();
        registers.WriteLine("FAIL no such thing");
        var error = await Assert.ThrowsAsync<ApertureException>(() => starting);
        Assert.Equal("QEMU answers 'FAIL no such thing' to 'writel 0x3f009010 0x10000000'", error.Message);
    }

    [Fact]
    public async Task The_wait_for_QEMU_can_be_ended_and_its_going_is_told()
    {
        using var starter = new QemuStarter(_folder);
        using var ended = new CancellationTokenSource();
        var waiting = starter.StartAsync(QemuMachine.VirtArm, [], ended.Token);
        await ended.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        waiting = starter.StartAsync(QemuMachine.VirtArm, [], default);
        using var registers = Connect("qtest");
        Connect("qmp").Dispose();
        Assert.Equal(Status.NoDevice, (await Assert.ThrowsAsync<ApertureException>(() => waiting)).Status);
    }

    /// <summary>QEMU refused an argument and went with something unread: the connection was reset, and serve ended by it.</summary>
    [Fact]
    public async Task QEMU_that_goes_with_something_unread_is_told()
    {
        using var starter = new QemuStarter(_folder);
        var starting = starter.StartAsync(QemuMachine.VirtArm, [], default);
        var monitor = Connect("qmp");
        using var registers = Connect("qtest");
        monitor.WriteLine("{}");
        Assert.Equal((int)'{', monitor.ReadByte());
        monitor.Dispose();
        Assert.Equal(Status.NoDevice, (await Assert.ThrowsAsync<ApertureException>(() => starting)).Status);
    }

    [Fact]
    public void The_argument_for_a_function_is_JSON() => Assert.Equal(
        """{"driver":"vfio-user-pci","socket":{"type":"unix","path":"/a/b"},"bus":"pcie.0","addr":"1f.1","x-no-posted-writes":true,"""
            + "\"x-msg-timeout\":300000}",
        QemuMachine.Device("/a/b", 31, 1));

    private Lines Connect(string name)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(Path.Combine(_folder, name)));
        return new Lines(socket);
    }

    private sealed class Lines(Socket socket) : IDisposable
    {
        private readonly NetworkStream _stream = new(socket, ownsSocket: true);

        public void WriteLine(string line) => _stream.Write(System.Text.Encoding.ASCII.GetBytes(line + "\n"));

        public string ReadLine()
        {
            var line = new System.Text.StringBuilder();
            for (int next; (next = _stream.ReadByte()) is not ('\n' or -1);)
                line.Append((char)next);
            return line.ToString();
        }

        public int ReadByte() => _stream.ReadByte();

        public void Dispose() => _stream.Dispose();
    }
}
