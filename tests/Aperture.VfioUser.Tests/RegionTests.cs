using System.Runtime.InteropServices;
using Aperture.Linux.Native;
using Aperture.VfioUser.Protocol;

namespace Aperture.VfioUser.Tests;

public sealed class RegionTests : IDisposable
{
    private readonly TestServer _server = new();
    private readonly TestClient _client;

    public RegionTests() => _client = _server.Connect();

    public void Dispose()
    {
        _client.Dispose();
        _server.Dispose();
    }

    [Fact]
    public void The_device_says_what_there_is()
    {
        Assert.Equal(Errno.None, _client.Ask(Command.GetInfo, new DeviceInfo { ArgumentSize = DeviceInfo.Bytes }, out var reply));
        var info = MemoryMarshal.Read<DeviceInfo>(reply);
        Assert.Equal((16u, 3u, 9u, 5u), (info.ArgumentSize, info.Flags, info.Regions, info.Interrupts));
        ulong[] sizes = [0x1000, 0x4000, 0, 0x2000, 0, 0, 0, 256, 0]; // a BAR, one of 64 bits, the table of vectors
        for (uint i = 0; i < sizes.Length; i++)
        {
            Assert.Equal(Errno.None, _client.Ask(Command.GetRegionInfo, new RegionInfo { ArgumentSize = 32, Index = i }, out reply));
            var region = MemoryMarshal.Read<RegionInfo>(reply);
            Assert.Equal((32u, i, sizes[i], sizes[i] == 0 ? 0u : 3), (region.ArgumentSize, region.Index, region.Size, region.Flags));
            Assert.Equal(Errno.None, _client.Ask(Command.GetRegionFiles, new InterruptInfo { ArgumentSize = 16, Index = i }, out reply));
            Assert.Equal(0u, MemoryMarshal.Read<InterruptInfo>(reply).Count);
        }

        uint[] counts = [1, 0, 4, 0, 0];
        for (uint i = 0; i < counts.Length; i++)
        {
            Assert.Equal(Errno.None, _client.Ask(Command.GetInterruptInfo, new InterruptInfo { ArgumentSize = 16, Index = i }, out reply));
            var kind = MemoryMarshal.Read<InterruptInfo>(reply);
            Assert.Equal((i, counts[i], i == 0 ? 7u : 9), (kind.Index, kind.Count, kind.Flags));
        }
    }

    [Fact]
    public void Configuration_space_is_that_of_a_PCI_function()
    {
        const uint config = RegionIndex.Configuration;
        Assert.Equal(0x5678_1234u, _client.Read(config, 0, 4));
        Assert.Equal(0x0806_0000u, _client.Read(config, 8, 4));
        Assert.Equal(1u, _client.Read(config, 0x3D, 1));
        foreach (var (register, mask) in new (uint, uint)[]
        {
            (0x10, 0xFFFF_F000), (0x14, 0xFFFF_C004), (0x18, 0xFFFF_FFFF), (0x1C, 0xFFFF_E000), (0x20, 0), (0x30, 0),
        })
        {
            _client.Write(config, register, 4, uint.MaxValue); // as software sizes a BAR
            Assert.Equal(mask, _client.Read(config, register, 4));
        }

        Assert.Equal(0x10u, _client.Read(config, 6, 1)); // capabilities
        Assert.Equal(0x40u, _client.Read(config, 0x34, 1));
        Assert.Equal(0x0003_0011u, _client.Read(config, 0x40, 4)); // four vectors
        Assert.Equal(3u, _client.Read(config, 0x44, 4));           // the table at 0 of BAR 3
        Assert.Equal(0x1003u, _client.Read(config, 0x48, 4));
        _client.Write(config, 4, 2, 0xFFFF);
        Assert.Equal(0x0547u, _client.Read(config, 4, 2));
        _client.Write(config, 0, 4, 0);
        Assert.Equal(0x5678_1234u, _client.Read(config, 0, 4));
        Assert.Equal(Errno.None, _client.Ask(Command.Reset, [], out _));
        Assert.Equal(0u, _client.Read(config, 4, 2));
        Assert.Equal(0u, _client.Read(config, 0x10, 4));
    }

    [Fact]
    public void Registers_are_read_and_written_as_the_bus_has_them()
    {
        _client.Write(0, 8, 8, 0x1122_3344_5566_7788);
        Assert.Equal(0x1122_3344_5566_7788u, _client.Read(0, 8, 8));
        Assert.Equal(0x3344u, _client.Read(0, 0xC, 2));
        Assert.Equal(0x77u, _client.Read(0, 9, 1));
        _client.Write(1, 0x1000, 4, 0xCAFE); // the other BAR's block does not begin at 0
        Assert.Equal(0xCAFEu, _client.Read(1, 0x1000, 4));
        Assert.Equal(0x5566_7788u, _client.Read(0, 8, 4));
    }

    [Fact]
    public void An_unaligned_access_is_split_into_aligned_ones()
    {
        _client.Write(0, 1, 6, 0x6655_4433_2211);
        Assert.Equal(4u, _server.Function.Counters.Writes); // 1 at 1, 2 at 2, 2 at 4, 1 at 6
        Assert.Equal(0x0066_5544_3322_1100u, _client.Read(0, 0, 8));
        Assert.Equal(0x6655_4433_2211u, _client.Read(0, 1, 6));
    }

    [Fact]
    public void What_no_block_takes_reads_ones_and_is_counted()
    {
        Assert.Equal(0xFFFF_FFFFu, _client.Read(0, 0xF0, 4));
        Assert.Equal(0xFFFFu, _client.Read(1, 0, 2)); // no block at all
        _client.Write(0, 0x800, 4, 1);
        Assert.Equal(3u, _server.Function.Counters.Unanswered);
    }

    [Fact]
    public void A_posted_write_has_no_reply_and_comes_before_the_next_read()
    {
        for (uint i = 0; i < 1000; i++)
        {
            byte[] body = [.. TestClient.Bytes(new RegionAccess { Offset = 0, Region = 0, Count = 4 }), .. TestClient.Bytes(i)];
            _client.Send(Command.RegionWrite, body, MessageFlags.NoReply, 7);
            if (i % 10 == 0)
                Assert.Equal(i, _client.Read(0, 0, 4));
        }

        Assert.Equal(999u, _client.Read(0, 0, 4));
    }

    [Fact]
    public void Several_writes_in_one_message_are_done_in_order()
    {
        RegionWrite[] writes =
        [
            new() { Access = new() { Offset = 0, Region = 0, Count = 4 }, Data = 1 },
            new() { Access = new() { Offset = 4, Region = 0, Count = 4 }, Data = 2 },
            new() { Access = new() { Offset = 0, Region = 0, Count = 2 }, Data = 3 },
        ];
        Assert.Equal(Errno.None, _client.Ask(Command.RegionWriteMulti,
            [.. TestClient.Bytes((ulong)writes.Length), .. MemoryMarshal.AsBytes(writes.AsSpan())], out var reply));
        Assert.Equal(3u, BitConverter.ToUInt64(reply));
        Assert.Equal(0x2_0000_0003u, _client.Read(0, 0, 8));
        writes[2].Access.Region = 5; // there is none
        writes[0].Data = 9;
        Assert.Equal(Errno.Invalid, _client.Ask(Command.RegionWriteMulti,
            [.. TestClient.Bytes((ulong)writes.Length), .. MemoryMarshal.AsBytes(writes.AsSpan())], out _));
        Assert.Equal(0x2_0000_0003u, _client.Read(0, 0, 8)); // none of them was done
    }

    [Fact]
    public void A_reset_reaches_the_blocks()
    {
        _client.Write(0, 0, 4, 5);
        Assert.Equal(Errno.None, _client.Ask(Command.Reset, [], out _));
        Assert.Equal(0u, _client.Read(0, 0, 4));
        Assert.Equal(1, _server.Block.Resets);
    }

    [Fact]
    public void A_fault_of_a_model_ends_nobody()
    {
        byte[] body = [.. TestClient.Bytes(new RegionAccess { Offset = 0x98, Region = 0, Count = 4 }), 0, 0, 0, 0];
        Assert.Equal(Errno.IoError, _client.Ask(Command.RegionWrite, body, out _));
        Assert.Equal(0u, _client.Read(0, 0, 4));
    }

    [Theory]
    [InlineData(14)]
    [InlineData(16)]
    public void Migration_is_refused_cleanly(ushort command)
    {
        Assert.Equal(Errno.NotSupported, _client.Ask((Command)command, new byte[24], out _));
        Assert.Equal(0u, _client.Read(0, 0, 4));
    }
}
