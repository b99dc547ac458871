using System.Text;
using Aperture.Linux.Native;
using Aperture.VfioUser.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Aperture.VfioUser.Tests;

/// <summary>Every message that is not right gets an error for a reply or ends its client; the server goes on.</summary>
public sealed class MalformedMessageTests : IDisposable
{
    private readonly TestServer _server = new();
    private readonly TestClient _client;

    public MalformedMessageTests() => _client = _server.Connect();

    public static TheoryData<ushort, int> Lengths
    {
        get
        {
            var result = new TheoryData<ushort, int>();
            foreach (var (command, length) in new (Command, int)[]
            {
                (Command.DmaMap, 32), (Command.DmaUnmap, 24), (Command.GetInfo, 16), (Command.GetRegionInfo, 32),
                (Command.GetRegionFiles, 16), (Command.GetInterruptInfo, 16), (Command.SetInterrupts, 20), (Command.RegionRead, 16),
                (Command.RegionWrite, 16), (Command.RegionWriteMulti, 8), (Command.Reset, 0),
            })
            {
                for (var wrong = 0; wrong < length; wrong += 4)
                    result.Add((ushort)command, wrong);
                result.Add((ushort)command, length + 1);
                result.Add((ushort)command, length + 4096);
            }

            return result;
        }
    }

    public void Dispose()
    {
        _client.Dispose();
        _server.Dispose();
        Assert.Empty(_server.Memory.Memory.Regions);
    }

    /// <summary>Too short, and too long.</summary>
    [Theory]
    [MemberData(nameof(Lengths))]
    public void Arguments_of_a_wrong_length(ushort command, int length)
    {
        Assert.Equal(Errno.Invalid, _client.Ask((Command)command, new byte[length], out _));
        IsAlive();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(17)]
    [InlineData(0xFFFF)]
    public void A_command_that_there_is_not(ushort command)
    {
        Assert.Equal(Errno.NotSupported, _client.Ask((Command)command, new byte[16], out _));
        IsAlive();
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(15u)]
    [InlineData((uint)Connection.MaxMessage + 1)]
    [InlineData(uint.MaxValue)]
    public void A_size_that_no_message_has_ends_the_client(uint size)
    {
        _client.SendRaw(TestClient.Bytes(new MessageHeader { Id = 1, Command = Command.Reset, Size = size }));
        Assert.Equal(22u, _client.Receive(out _).Error);
        Assert.True(_client.IsCutOff);
        Next();
    }

    [Theory]
    [InlineData(0x02u)]
    [InlineData(0x0Fu)]
    [InlineData(0x20u)]
    [InlineData(0x40u)]
    [InlineData(0x8000_0000u)]
    public void Flags_that_mean_nothing(uint flags)
    {
        _client.Send(Command.Reset, [], (MessageFlags)flags, 9);
        var header = _client.Receive(out _);
        Assert.Equal((9, 22u), (header.Id, header.Error));
        IsAlive();
    }

    [Fact]
    public void Nothing_comes_before_the_versions()
    {
        for (ushort command = 0; command < 18; command++)
        {
            if (command == (ushort)Command.Version)
                continue;
            using var server = new TestServer();
            using var client = new TestClient(server.Path, isAgreed: false);
            client.Send((Command)command, new byte[16], MessageFlags.None, 1);
            Assert.Equal(22u, client.Receive(out _).Error);
            Assert.True(client.IsCutOff);
        }
    }

    [Theory]
    [InlineData("{}", true)]
    [InlineData("{\"capabilities\":{}}", true)]
    [InlineData("{\"capabilities\":{\"new\":[1,{}],\"max_data_xfer_size\":4096}}", true)]
    [InlineData("", false)]
    [InlineData("[]", false)]
    [InlineData("{", false)]
    [InlineData("{}{}", false)]
    [InlineData("nonsense", false)]
    [InlineData("{\"capabilities\":[]}", false)]
    [InlineData("{\"capabilities\":{\"max_data_xfer_size\":0}}", false)]
    [InlineData("{\"capabilities\":{\"max_data_xfer_size\":-1}}", false)]
    [InlineData("{\"capabilities\":{\"max_data_xfer_size\":1e300}}", false)]
    [InlineData("{\"capabilities\":{\"max_data_xfer_size\":\"1\"}}", false)]
    [InlineData("{\"capabilities\":{\"write_multiple\":1}}", false)]
    public void Capabilities_are_JSON(string text, bool isGood) => Agree([0, 0, 0, 0, .. Encoding.UTF8.GetBytes(text), 0], isGood);

    [Fact]
    public void Versions_that_there_are_not()
    {
        Agree([0, 0], false);
        Agree([0, 0, 0], false);
        Agree([1, 0, 0, 0], false);
        Agree([0, 0, 0, 0], true);
        Agree([0, 0, 9, 0], true); // a later minor version speaks ours
        Agree([0, 0, 0, 0, (byte)'{', (byte)'}'], false); // no zero behind it
        Agree([0, 0, 0, 0, 0xFF, 0xFE, 0], false);
        Agree([0, 0, 0, 0, .. Enumerable.Repeat((byte)'[', 4000), 0], false);
        Agree([0, 0, 0, 0, .. Enumerable.Repeat((byte)' ', 10_000), 0], false);
    }

    [Fact]
    public void Versions_are_agreed_on_once()
    {
        Assert.Equal(Errno.Invalid, _client.Ask(Command.Version, new byte[4], out _));
        IsAlive();
    }

    [Fact]
    public void Regions_and_interrupts_that_there_are_not()
    {
        Assert.Equal(Errno.Invalid, _client.Ask(Command.GetRegionInfo, new RegionInfo { ArgumentSize = 32, Index = 9 }, out _));
        Assert.Equal(Errno.Invalid, _client.Ask(Command.GetRegionInfo, new RegionInfo { ArgumentSize = 31 }, out _));
        Assert.Equal(Errno.Invalid, _client.Ask(Command.GetRegionInfo, new RegionInfo { ArgumentSize = 32, Index = uint.MaxValue }, out _));
        Assert.Equal(Errno.Invalid, _client.Ask(Command.GetRegionFiles, new InterruptInfo { ArgumentSize = 16, Index = 9 }, out _));
        Assert.Equal(Errno.Invalid, _client.Ask(Command.GetRegionFiles, new InterruptInfo { ArgumentSize = 16, Flags = 1 }, out _));
        Assert.Equal(Errno.Invalid, _client.Ask(Command.GetInterruptInfo, new InterruptInfo { ArgumentSize = 16, Index = 5 }, out _));
        Assert.Equal(Errno.Invalid, _client.Ask(Command.GetInterruptInfo, new InterruptInfo { ArgumentSize = 15 }, out _));
        IsAlive();
    }

    [Theory]
    [InlineData(0u, 0xFFFul, 2u)]
    [InlineData(0u, 0x1000ul, 1u)]
    [InlineData(0u, ulong.MaxValue, 1u)]
    [InlineData(0u, ulong.MaxValue - 3, 8u)]
    [InlineData(0u, 0ul, 0u)]
    [InlineData(0u, 0ul, uint.MaxValue)]
    [InlineData(0u, 0ul, 0x1001u)]
    [InlineData(7u, 0ul, 257u)]
    [InlineData(7u, 256ul, 1u)]
    [InlineData(7u, 0x1_0000_0000ul, 4u)]
    [InlineData(2u, 0ul, 4u)]
    [InlineData(4u, 0ul, 4u)]
    [InlineData(6u, 0ul, 4u)]
    [InlineData(8u, 0ul, 4u)]
    [InlineData(9u, 0ul, 4u)]
    [InlineData(uint.MaxValue, 0ul, 4u)]
    public void Accesses_outside_of_a_region(uint region, ulong offset, uint count)
    {
        var access = new RegionAccess { Offset = offset, Region = region, Count = count };
        Assert.Equal(Errno.Invalid, _client.Ask(Command.RegionRead, access, out _));
        Assert.Equal(Errno.Invalid,
            _client.Ask(Command.RegionWrite, [.. TestClient.Bytes(access), .. new byte[Math.Min(count, 0x2000)]], out _));
        Assert.Equal(Errno.Invalid, _client.Ask(Command.RegionWriteMulti,
            [.. TestClient.Bytes(1UL), .. TestClient.Bytes(new RegionWrite { Access = access })], out _));
        IsAlive();
    }

    [Fact]
    public void Writes_without_their_data()
    {
        byte[] access = TestClient.Bytes(new RegionAccess { Count = 8 });
        Assert.Equal(Errno.Invalid, _client.Ask(Command.RegionWrite, [.. access, .. new byte[7]], out _));
        Assert.Equal(Errno.Invalid, _client.Ask(Command.RegionWrite, [.. access, .. new byte[9]], out _));
        byte[] write = TestClient.Bytes(new RegionWrite { Access = new() { Count = 4 } });
        foreach (var count in (ulong[])[0, 2, ulong.MaxValue, 0x0AAA_AAAA_AAAA_AAAB]) // the last times 24 is 8 once more
            Assert.Equal(Errno.Invalid, _client.Ask(Command.RegionWriteMulti, [.. TestClient.Bytes(count), .. write], out _));
        Assert.Equal(Errno.Invalid, _client.Ask(Command.RegionWriteMulti, [.. TestClient.Bytes(1UL), .. write, 0], out _));
        IsAlive();
    }

    [Fact]
    public void Several_writes_are_refused_to_who_did_not_ask_for_them()
    {
        using var server = new TestServer();
        using var client = new TestClient(server.Path, isAgreed: false);
        Assert.Equal(Errno.None, client.Ask(Command.Version, new byte[4], out _));
        Assert.Equal(Errno.NotSupported, client.Ask(Command.RegionWriteMulti, new byte[8], out _));
    }

    [Theory]
    [InlineData(0x00u, 0u, 0u, 1u)]  // no kind, no action
    [InlineData(0x01u, 0u, 0u, 1u)]
    [InlineData(0x20u, 0u, 0u, 1u)]
    [InlineData(0x23u, 0u, 0u, 1u)]  // two kinds
    [InlineData(0x31u, 0u, 0u, 1u)]  // two actions
    [InlineData(0x61u, 0u, 0u, 1u)]  // a flag that means nothing
    [InlineData(0x21u, 5u, 0u, 0u)]
    [InlineData(0x21u, uint.MaxValue, 0u, 0u)]
    [InlineData(0x21u, 0u, 0u, 2u)]
    [InlineData(0x21u, 0u, 1u, 1u)]
    [InlineData(0x21u, 2u, 0u, 5u)]
    [InlineData(0x21u, 2u, uint.MaxValue, 1u)]
    [InlineData(0x21u, 2u, 1u, uint.MaxValue)]
    [InlineData(0x21u, 2u, 1u, 0u)]
    [InlineData(0x11u, 0u, 0u, 0u)]
    [InlineData(0x11u, 2u, 0u, 1u)]  // vectors are masked in their table
    [InlineData(0x24u, 0u, 0u, 0u)]
    [InlineData(0x24u, 3u, 0u, 1u)]
    [InlineData(0x22u, 0u, 0u, 1u)]  // without its byte
    public void Requests_about_interrupts_that_cannot_be(uint flags, uint index, uint start, uint count)
    {
        Assert.Equal(Errno.Invalid, _client.SetInterrupts(flags, index, start, count));
        IsAlive();
    }

    [Fact]
    public void Descriptors_where_they_do_not_belong_are_closed()
    {
        using var file = TestClient.Event();
        var before = OpenFiles();
        Assert.Equal(Errno.Invalid, _client.Ask(Command.Reset, [], out _, file));
        Assert.Equal(Errno.Invalid, _client.Ask(Command.GetInfo, new byte[16], out _, file, file, file));
        Assert.Equal(Errno.Invalid, _client.SetInterrupts(0x21, 0, 0, 1, file));
        Assert.Equal(Errno.Invalid, _client.SetInterrupts(0x24, 0, 0, 1, file, file));
        Assert.Equal(Errno.NotSupported, _client.SetInterrupts(0x14, 0, 0, 1, file));
        Assert.Equal(Errno.Invalid, _client.SetInterrupts(0x24, 2, 0, 4, file, file));
        var map = new DmaMapRequest { ArgumentSize = 32, Flags = 3, Size = 0x1000 };
        Assert.Equal(Errno.Invalid, _client.Ask(Command.DmaMap, map, out _, file, file));
        Assert.Equal(Errno.NotPermitted, _client.Ask(Command.DmaMap, map, out _, file));
        SafeFileHandle[] most = Enumerable.Repeat(file, Libc.MostDescriptors).ToArray();
        Assert.Equal(Errno.Invalid, _client.Ask(Command.SetInterrupts, new byte[20], out _, most));
        IsAlive();
        Assert.InRange(OpenFiles(), 0, before); // collected ones of earlier tests may go meanwhile
    }

    [Fact]
    public void A_message_without_a_wish_for_a_reply_gets_none_whatever_is_wrong_with_it()
    {
        _client.Send((Command)99, new byte[8], MessageFlags.NoReply, 1);
        _client.Send(Command.RegionWrite, new byte[3], MessageFlags.NoReply, 2);
        IsAlive();
        Assert.Equal(2u, _server.Function.Counters.Refused);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(20)]
    public void A_client_that_goes_within_a_message(int bytes)
    {
        var header = TestClient.Bytes(new MessageHeader { Id = 1, Command = Command.RegionRead, Size = 32 });
        _client.SendRaw(header.Concat(new byte[16]).Take(bytes).ToArray());
        _client.Dispose();
        Next();
    }

    private static int OpenFiles() => Directory.GetFiles("/proc/self/fd").Length;

    private static void Agree(byte[] body, bool isGood)
    {
        using var server = new TestServer();
        using var client = new TestClient(server.Path, isAgreed: false);
        Assert.Equal(isGood ? Errno.None : Errno.Invalid, client.Ask(Command.Version, body, out _));
        if (isGood)
            Assert.Equal(0u, client.Read(0, 0, 4));
        else
            Assert.True(client.IsCutOff);
    }

    private void IsAlive() => Assert.Equal(0x5678_1234u, _client.Read(RegionIndex.Configuration, 0, 4));

    private void Next()
    {
        using var next = _server.Connect();
        Assert.Equal(0x5678_1234u, next.Read(RegionIndex.Configuration, 0, 4));
    }
}
