using System.Runtime.InteropServices;
using Aperture.Core;
using Aperture.Hardware.Translation;
using Aperture.Linux.Native;
using Aperture.VfioUser.Protocol;

namespace Aperture.VfioUser.Tests;

/// <summary>Messages of the server's own, for memory that a client has not shared.</summary>
public sealed class MessageTests : IDisposable
{
    private const ulong Rom = 0x8000_0000;

    private readonly TestServer _server = new(new VfioUserOptions { MessageTimeout = TimeSpan.FromMilliseconds(200) });
    private readonly TestClient _client;

    public MessageTests()
    {
        _client = _server.Connect();
        Assert.Equal(Errno.None, _client.Map(Rom, 0x10000, null));
    }

    public void Dispose()
    {
        _client.Dispose();
        _server.Dispose();
    }

    [Fact]
    public async Task Memory_that_is_not_shared_is_reached_by_messages()
    {
        _client.Write(0, 0x80, 8, Rom + 8);
        var copy = Task.Run(() => _server.Block.Copy(isWrite: false));
        var header = _client.Receive(out var body);
        Assert.Equal((Command.DmaRead, MessageFlags.None), (header.Command, header.Flags));
        Assert.Equal((Rom + 8, 8u), (MemoryMarshal.Read<DmaTransfer>(body).Address, MemoryMarshal.Read<DmaTransfer>(body).Count));
        _client.Send(Command.DmaRead, [.. body, .. TestClient.Bytes(0x1234_5678_9ABCUL)], MessageFlags.Reply, header.Id);
        Assert.Equal(DmaStatus.Ok, await copy);
        Assert.Equal(0x1234_5678_9ABCu, _client.Read(0, 0, 8));

        copy = Task.Run(() => _server.Block.Copy(isWrite: true));
        header = _client.Receive(out body);
        Assert.Equal(Command.DmaWrite, header.Command);
        Assert.Equal(0x1234_5678_9ABCu, BitConverter.ToUInt64(body, DmaTransfer.Bytes));
        _client.Send(Command.DmaWrite, body.AsSpan(0, DmaTransfer.Bytes), MessageFlags.Reply, header.Id);
        Assert.Equal(DmaStatus.Ok, await copy);
        Assert.Equal(2u, _server.Function.Counters.DmaMessages);
    }

    /// <summary>The client waits for its own answer meanwhile and gives none: both would wait until a limit broke the connection.</summary>
    [Fact]
    public void Inside_a_request_such_memory_is_a_bus_error()
    {
        _client.Write(0, 0x80, 8, Rom);
        _client.Write(0, 0x88, 4, 1);
        Assert.Equal((ulong)DmaStatus.BusError, _client.Read(0, 0x88, 4));
        Assert.Equal(0u, _server.Function.Counters.DmaMessages);
    }

    [Fact]
    public async Task An_error_of_the_client_is_a_bus_error()
    {
        _client.Write(0, 0x80, 8, Rom);
        var copy = Task.Run(() => _server.Block.Copy(isWrite: false));
        var header = _client.Receive(out _);
        header.Size = MessageHeader.Bytes;
        header.Flags = MessageFlags.Reply | MessageFlags.Error;
        header.Error = 19;
        _client.SendRaw(TestClient.Bytes(header));
        Assert.Equal(DmaStatus.BusError, await copy);
        Assert.Equal(0u, _client.Read(0, 0, 4));
    }

    [Fact]
    public async Task An_answer_that_comes_too_late_harms_nobody()
    {
        _client.Write(0, 0x80, 8, Rom);
        var copy = Task.Run(() => _server.Block.Copy(isWrite: false));
        var header = _client.Receive(out var body);
        Assert.Equal(DmaStatus.BusError, await copy);
        _client.Send(Command.DmaRead, [.. body, .. new byte[8]], MessageFlags.Reply, header.Id);
        Assert.Equal(0u, _client.Read(0, 0, 4));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_reply_that_does_not_fit_ends_the_client(bool isShort)
    {
        _client.Write(0, 0x80, 8, Rom);
        var copy = Task.Run(() => _server.Block.Copy(isWrite: false));
        var header = _client.Receive(out var body);
        body[0] ^= isShort ? (byte)0 : (byte)1; // another address
        _client.Send(Command.DmaRead, [.. body, .. new byte[isShort ? 7 : 8]], MessageFlags.Reply, header.Id);
        Assert.True(_client.IsCutOff);
        Assert.Equal(DmaStatus.BusError, await copy);
    }

    [Fact]
    public void A_reply_that_nobody_asked_for_ends_the_client()
    {
        _client.Send(Command.DmaRead, new byte[24], MessageFlags.Reply, 0x8001);
        Assert.True(_client.IsCutOff);
    }

    [Fact]
    public async Task A_client_that_goes_leaves_nobody_waiting()
    {
        _client.Write(0, 0x80, 8, Rom);
        using var patient = new TestServer(new VfioUserOptions { MessageTimeout = TimeSpan.FromHours(1) });
        using var client = patient.Connect();
        Assert.Equal(Errno.None, client.Map(Rom, 0x1000, null));
        client.Write(0, 0x80, 8, Rom);
        var copy = Task.Run(() => patient.Block.Copy(isWrite: false));
        client.Receive(out _);
        client.Dispose();
        Assert.Equal(DmaStatus.BusError, await copy);
    }

    [Fact]
    public async Task A_message_interrupt_goes_where_the_driver_said_in_pieces_that_the_client_takes()
    {
        var write = Task.Run(() => _server.Function.TryWriteClient(new PhysicalAddress(0x802_0040), [1, 0, 0, 0]));
        var header = _client.Receive(out var body);
        Assert.Equal((0x802_0040u, 4u), (MemoryMarshal.Read<DmaTransfer>(body).Address, MemoryMarshal.Read<DmaTransfer>(body).Count));
        _client.Send(Command.DmaWrite, body.AsSpan(0, DmaTransfer.Bytes), MessageFlags.Reply, header.Id);
        Assert.True(await write);
    }
}
