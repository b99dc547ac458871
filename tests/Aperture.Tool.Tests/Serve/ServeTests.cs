using System.Buffers.Binary;
using System.Net.Sockets;
using Aperture.Core;
using Aperture.Hardware.Translation;
using Aperture.Tool.Serve;

namespace Aperture.Tool.Tests.Serve;

public sealed class ServeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("serve-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_guests_unit_and_disk_are_served_and_told_about()
    {
        using var ended = new CancellationTokenSource();
        using var output = new StringWriter();
        var trace = Path.Combine(_folder, "trace.txt");
        var serving = Task.Run(() => ServeCommand.Run(
            new ServeOptions(Tree("rockchip"), _folder) { DiskMiB = 1, Trace = trace, Sanitizes = true }, output, ended.Token));
        var socket = Path.Combine(_folder, "10000000.iommu.sock");
        SpinWait.SpinUntil(() => File.Exists(Path.Combine(_folder, "10001000.disk.sock")) || serving.IsCompleted);
        using (var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            client.Connect(new UnixDomainSocketEndPoint(socket));
            Ask(client, 1, [0, 0, 0, 0]); // versions
            Ask(client, 9, [4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0]); // reads STATUS
        }

        SpinWait.SpinUntil(() => ReadShared(trace).Contains("the client has gone", StringComparison.Ordinal));
        await ended.CancelAsync();
        Assert.Equal(0, await serving);
        var text = output.ToString();
        Assert.Contains("10000000.iommu: RockchipIommu at 0x10000000", text, StringComparison.Ordinal);
        Assert.Contains("10001000.disk: VirtioDisk at 0x10001000", text, StringComparison.Ordinal);
        Assert.Contains("qemu-system-aarch64 -M virt,gic-version=2", text, StringComparison.Ordinal);
        Assert.Contains($"\"path\":\"{socket}\"}},\"bus\":\"pcie.0\",\"addr\":\"1.1\"", text, StringComparison.Ordinal);
        Assert.Contains("10000000.iommu none 1 0 0 0 0 hits, 0 walks, 0 entries removed, 0 faults", text, StringComparison.Ordinal);
        Assert.Contains("10000000.iommu R32 0+0x4 -> 0x18", File.ReadAllText(trace), StringComparison.Ordinal);
        Assert.False(File.Exists(socket));
    }

    [Fact]
    public void A_tree_that_cannot_be_served_is_refused()
    {
        // Its interrupt is none of PCI's.
        Assert.Contains("interrupt", Refused("rk3399-media", 16), StringComparison.Ordinal);
        Assert.Contains("1 to 1024 MiB", Refused("rk3399-media", 0), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(DmaStatus.Refused, false, "no table has mapped this page")]
    [InlineData(DmaStatus.Stalled, true, "use after invalidation: the page was read 2 accesses before (page 0x4321)")]
    [InlineData(DmaStatus.BusError, true, "the page led to memory 2 accesses before")]
    [InlineData(DmaStatus.BusError, false, "a table leads to where no memory is")]
    public void A_failed_access_is_told_with_what_was_there_before(DmaStatus status, bool wasThere, string meaning)
    {
        var failed = new FailedAccess(
            "mmu", "disk", new Iova(0x1234_5678), 4, true, status, wasThere ? new PageUse(5, 0x4321, false) : null, 7);
        Assert.StartsWith("mmu: a write of 4 bytes by disk at 0x12345678 ", failed.Fact, StringComparison.Ordinal);
        Assert.StartsWith(meaning, failed.Meaning, StringComparison.Ordinal);
    }

    /// <summary>What is in a file that is being written.</summary>
    private static string ReadShared(string path)
    {
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd();
    }

    private static string Tree(string name)
    {
        var path = Path.Combine(Path.GetTempPath(), $"{name}-{Environment.ProcessId}.dtb");
        using var resource = typeof(ServeTests).Assembly.GetManifestResourceStream($"trees/{name}.dtb")!;
        using var file = File.Create(path);
        resource.CopyTo(file);
        return path;
    }

    private static void Ask(Socket client, ushort command, byte[] body)
    {
        var message = new byte[16 + body.Length];
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(2), command);
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(4), message.Length);
        body.CopyTo(message, 16);
        client.Send(message);
        Assert.InRange(client.Receive(new byte[4096]), 17, 4096);
    }

    private string Refused(string board, int diskMiB) => Assert.Throws<ApertureException>(() => ServeCommand.Run(
        new ServeOptions(board, _folder) { DiskMiB = diskMiB }, TextWriter.Null, CancellationToken.None)).Message;
}
