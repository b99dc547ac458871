using Aperture.Linux.Native;
using Aperture.VfioUser.Protocol;
using static Aperture.VfioUser.Protocol.InterruptRequest;

namespace Aperture.VfioUser.Tests;

public sealed class InterruptTests : IDisposable
{
    private const uint SetFiles = EventData | Trigger;
    private const uint LineRegister = 0x90;

    private readonly TestServer _server = new();
    private readonly TestClient _client;

    public InterruptTests() => _client = _server.Connect();

    public void Dispose()
    {
        _client.Dispose();
        _server.Dispose();
    }

    [Fact]
    public void A_level_is_told_again_after_each_unmask_while_it_holds()
    {
        using var line = TestClient.Event();
        Assert.Equal(Errno.None, _client.SetInterrupts(SetFiles, InterruptIndex.Line, 0, 1, line));
        Assert.Equal(0u, TestClient.Count(line));
        _client.Write(0, LineRegister, 4, 1);
        Assert.Equal(1u, TestClient.Count(line));
        _client.Write(0, LineRegister, 4, 0);
        _client.Write(0, LineRegister, 4, 1);
        Assert.Equal(0u, TestClient.Count(line)); // masked since it was told
        Assert.Equal(Errno.None, _client.SetInterrupts(NoData | Unmask, InterruptIndex.Line, 0, 1));
        Assert.Equal(1u, TestClient.Count(line));
        _client.Write(0, LineRegister, 4, 0);
        Assert.Equal(Errno.None, _client.SetInterrupts(NoData | Unmask, InterruptIndex.Line, 0, 1));
        Assert.Equal(0u, TestClient.Count(line)); // it is low
        Assert.Equal(Errno.None, _client.SetInterrupts(NoData | Mask, InterruptIndex.Line, 0, 1));
        _client.Write(0, LineRegister, 4, 1);
        Assert.Equal(0u, TestClient.Count(line));
        Assert.Equal(Errno.None, _client.Ask(Command.SetInterrupts,
            [.. TestClient.Bytes(Request(ByteData | Unmask, 0, 0, 1)), 0], out _)); // not this one
        Assert.Equal(0u, TestClient.Count(line));
        Assert.Equal(Errno.None, _client.Ask(Command.SetInterrupts,
            [.. TestClient.Bytes(Request(ByteData | Unmask, 0, 0, 1)), 1], out _));
        Assert.Equal(1u, TestClient.Count(line));
        Assert.Equal(3u, _server.Function.Counters.Interrupts);
    }

    [Fact]
    public void A_line_that_is_high_already_is_told_to_a_new_file_and_kept_back_by_the_command_register()
    {
        using var line = TestClient.Event();
        _client.Write(RegionIndex.Configuration, 4, 2, 0x400); // interrupts off
        _client.Write(0, LineRegister, 4, 1);
        Assert.Equal(Errno.None, _client.SetInterrupts(SetFiles, InterruptIndex.Line, 0, 1, line));
        Assert.Equal(0u, TestClient.Count(line));
        _client.Write(RegionIndex.Configuration, 4, 2, 0);
        Assert.Equal(1u, TestClient.Count(line));
        using var next = TestClient.Event();
        Assert.Equal(Errno.None, _client.SetInterrupts(SetFiles, InterruptIndex.Line, 0, 1, next));
        Assert.Equal(1u, TestClient.Count(next));
        Assert.Equal(Errno.None, _client.SetInterrupts(NoData | Trigger, InterruptIndex.Line, 0, 0)); // all off
        Assert.Equal(Errno.None, _client.SetInterrupts(NoData | Unmask, InterruptIndex.Line, 0, 1));
        Assert.Equal((0u, 0u), (TestClient.Count(line), TestClient.Count(next)));
    }

    [Fact]
    public void A_reset_drops_the_line()
    {
        using var line = TestClient.Event();
        Assert.Equal(Errno.None, _client.SetInterrupts(SetFiles, InterruptIndex.Line, 0, 1, line));
        _client.Write(0, LineRegister, 4, 1);
        Assert.Equal(1u, TestClient.Count(line));
        Assert.Equal(Errno.None, _client.Ask(Command.Reset, [], out _));
        Assert.Equal(0u, TestClient.Count(line));
        _client.Write(0, LineRegister, 4, 1);
        Assert.Equal(1u, TestClient.Count(line)); // masked no more
    }

    [Fact]
    public void A_vector_without_a_file_stays_pending_until_it_has_one()
    {
        using var first = TestClient.Event();
        using var second = TestClient.Event();
        Assert.Equal(Errno.None, _client.SetInterrupts(SetFiles, InterruptIndex.Msix, 0, 2, first, second));
        _server.Function.Raise(1);
        Assert.Equal((0u, 1u), (TestClient.Count(first), TestClient.Count(second)));
        Assert.Equal(Errno.None, _client.SetInterrupts(SetFiles, InterruptIndex.Msix, 1, 1)); // masked: no file
        _server.Function.Raise(1);
        Assert.Equal(2u, _client.Read(3, 0x1000, 8)); // the pending bits
        Assert.Equal(Errno.None, _client.SetInterrupts(SetFiles, InterruptIndex.Msix, 1, 1, second));
        Assert.Equal(1u, TestClient.Count(second));
        Assert.Equal(0u, _client.Read(3, 0x1000, 8));
        Assert.Equal(Errno.None, _client.SetInterrupts(NoData | Trigger, InterruptIndex.Msix, 0, 1)); // the client's test
        Assert.Equal(1u, TestClient.Count(first));
    }

    [Fact]
    public void A_blocks_line_raises_a_vector_when_it_rises()
    {
        using var server = new TestServer();
        server.Function.Connect(server.Block.Interrupt, 3);
        using var client = server.Connect();
        using var vector = TestClient.Event();
        Assert.Equal(Errno.None, client.SetInterrupts(SetFiles, InterruptIndex.Msix, 3, 1, vector));
        client.Write(0, LineRegister, 4, 1);
        client.Write(0, LineRegister, 4, 0);
        client.Write(0, LineRegister, 4, 1);
        Assert.Equal(2u, TestClient.Count(vector));
    }

    [Fact]
    public void The_vectors_table_is_storage()
    {
        _client.Write(3, 0x10, 8, 0xFEE0_0000);
        _client.Write(3, 0x1C, 4, 1);
        Assert.Equal(0xFEE0_0000u, _client.Read(3, 0x10, 8));
        Assert.Equal(1u, _client.Read(3, 0x1C, 4));
        _client.Write(3, 0x100, 4, 1); // behind the fourth
        Assert.Equal(0u, _client.Read(3, 0x100, 4));
    }

    [Fact]
    public void A_file_that_is_no_event_file_is_refused()
    {
        using var memory = TestClient.MemoryFile(4096);
        Assert.Equal(Errno.Invalid, _client.SetInterrupts(SetFiles, InterruptIndex.Line, 0, 1, memory));
        using var pipe = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.ReadWrite);
        Assert.Equal(Errno.Invalid, _client.SetInterrupts(SetFiles, InterruptIndex.Line, 0, 1, pipe));
    }

    [Fact]
    public unsafe void An_event_file_that_its_client_has_filled_holds_nobody_up()
    {
        using var line = Libc.CreateEvent(0, Libc.EventCloseOnExec); // a write that does not fit would wait
        Assert.Equal(Errno.None, _client.SetInterrupts(SetFiles, InterruptIndex.Line, 0, 1, line));
        var most = ulong.MaxValue - 1;
        Assert.Equal(sizeof(ulong), Libc.Write(line, &most, sizeof(ulong)));
        _client.Write(0, LineRegister, 4, 1);
        Assert.Equal(0u, _client.Read(0, 0, 4));
    }

    private static InterruptRequest Request(uint flags, uint index, uint start, uint count) =>
        new() { ArgumentSize = Bytes, Flags = flags, Index = index, Start = start, Count = count };
}
