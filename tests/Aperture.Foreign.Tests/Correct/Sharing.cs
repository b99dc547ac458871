using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Dma;
using Aperture.Dma.Shared;
using Aperture.Foreign.Tests.Bench;
using Aperture.Hardware.Bus;

namespace Aperture.Foreign.Tests.Correct;

/// <summary>Several devices, and memory of devices.</summary>
internal static class Sharing
{
    private const int Bytes = 8192;

    public static void The_cpu_draws_and_a_device_shows(Board board)
    {
        using var buffer = SharedBuffer.Allocate(board.Memory, Bytes);
        var at = buffer.Attach(board.A.Device);
        for (var i = 0; i < 3; i++)
        {
            using (buffer.TryBegin(null, DmaDirection.FromDevice))
                Data.Of(i, Bytes).CopyTo(buffer.Block.Span);
            using (buffer.TryBegin(board.A.Device, DmaDirection.ToDevice))
                Data.Same(Data.Of(i, Bytes), board.A.Hw.Read(at, Bytes));
        }
    }

    public static void Two_devices_and_the_cpu_read_at_once(Board board)
    {
        using var buffer = SharedBuffer.Allocate(board.Memory, Bytes);
        var (a, b) = (buffer.Attach(board.A.Device), buffer.Attach(board.B.Device));
        using (buffer.TryBegin(null, DmaDirection.FromDevice))
            Data.Of(4, Bytes).CopyTo(buffer.Block.Span);
        using var first = buffer.TryBegin(board.A.Device, DmaDirection.ToDevice);
        using var cpu = buffer.TryBegin(null, DmaDirection.ToDevice);
        using var second = buffer.TryBegin(board.B.Device, DmaDirection.ToDevice);
        Data.Same(Data.Of(4, Bytes), board.A.Hw.Read(a, Bytes));
        Data.Same(Data.Of(4, Bytes), buffer.Block.Span);
        Data.Same(Data.Of(4, Bytes), board.B.Hw.Read(b, Bytes));
        Data.Same(Data.Of(4, Bytes), buffer.Block.Span);
        Assert.Null(buffer.TryBegin(board.A.Device, DmaDirection.FromDevice));
    }

    public static void A_chain_of_two_devices_and_the_cpu(Board board)
    {
        using var buffer = SharedBuffer.Allocate(board.Memory, Bytes);
        var (a, b) = (buffer.Attach(board.A.Device), buffer.Attach(board.B.Device));
        for (var i = 0; i < 3; i++)
        {
            using (buffer.TryBegin(board.A.Device, DmaDirection.FromDevice))
                board.A.Hw.Write(a, Data.Of(i, Bytes));
            using (buffer.TryBegin(board.B.Device, DmaDirection.Bidirectional))
                board.B.Hw.Transform(b, b, Bytes, 3);
            using (buffer.TryBegin(null, DmaDirection.ToDevice))
                Assert.Equal((byte)(Data.Of(i, Bytes)[77] ^ 3), buffer.Block.Span[77]);
        }
    }

    public static void A_device_that_snoops_and_one_that_does_not(Board board)
    {
        using var buffer = SharedBuffer.Allocate(board.Memory, Bytes);
        var (a, c) = (buffer.Attach(board.A.Device), buffer.Attach(board.C.Device));
        for (var i = 0; i < 3; i++)
        {
            using (buffer.TryBegin(board.A.Device, DmaDirection.FromDevice))
                board.A.Hw.Write(a, Data.Of(i, Bytes));
            using (buffer.TryBegin(board.C.Device, DmaDirection.Bidirectional))
            {
                Data.Same(Data.Of(i, Bytes), board.C.Hw.Read(c, Bytes));
                board.C.Hw.Write(c, Data.Of(i + 40, Bytes));
            }

            using (buffer.TryBegin(board.A.Device, DmaDirection.ToDevice))
                Data.Same(Data.Of(i + 40, Bytes), board.A.Hw.Read(a, Bytes));
        }
    }

    [On(Ways.Chosen)]
    public static void All_at_one_device_address(Board board)
    {
        using var buffer = SharedBuffer.Allocate(board.Memory, Bytes);
        var at = buffer.AttachAll([board.A.Device, board.B.Device]);
        using (buffer.TryBegin(board.A.Device, DmaDirection.FromDevice))
            board.A.Hw.Write(at, Data.Of(2, Bytes));
        using (buffer.TryBegin(board.B.Device, DmaDirection.ToDevice))
            Data.Same(Data.Of(2, Bytes), board.B.Hw.Read(at, Bytes));
    }

    public static void A_device_leaves_and_another_comes(Board board)
    {
        using var buffer = SharedBuffer.Allocate(board.Memory, Bytes);
        foreach (var client in (Client[])[board.A, board.B, board.A])
        {
            var at = buffer.Attach(client.Device);
            using (buffer.TryBegin(client.Device, DmaDirection.FromDevice))
                client.Hw.Write(at, Data.Of(1, Bytes));
            buffer.Detach(client.Device);
            using (buffer.TryBegin(null, DmaDirection.ToDevice))
                Data.Same(Data.Of(1, Bytes), buffer.Block.Span);
        }
    }

    [On(Ways.Uncopied)]
    public static void Memory_of_another_device_and_ram_in_one_list(Board board)
    {
        var (dma, hw) = board.A;
        var registers = new VideoMemory();
        board.Machine.Bus.Attach(VideoMemory.Window, registers);
        var ram = board.Take(Data.Of(1, 4096));
        using (var video = board.B.Dma.Publish(new MemoryRange(VideoMemory.Window, 0x1000)))
        {
            Span<DmaSegment> places = stackalloc DmaSegment[2];
            using (var list = dma.MapScatter([ram, video.Slice(0, 0x1000)], places, DmaDirection.ToDevice))
                Data.Same(Data.Of(1, 4096), hw.Read(list.Segments[0].Address, 4096));
            using (var mapping = dma.Map(video.Slice(0x40, 8), DmaDirection.Bidirectional))
            {
                hw.Write(mapping.Address, [1, 2, 3, 4, 5, 6, 7, 8]);
                Data.Same([1, 2, 3, 4, 5, 6, 7, 8], hw.Read(mapping.Address, 8));
            }
        }

        board.Free(ram);
        board.Machine.Bus.Detach(registers);
    }

    [On(Ways.Uncopied)]
    public static void Small_parts_of_video_memory_side_by_side(Board board)
    {
        var registers = new VideoMemory();
        board.Machine.Bus.Attach(VideoMemory.Window, registers);
        using (var video = board.B.Dma.Publish(new MemoryRange(VideoMemory.Window, 0x1000)))
        using (var first = board.A.Dma.Map(video.Slice(0, 8), DmaDirection.FromDevice))
        using (var second = board.A.Dma.Map(video.Slice(8, 8), DmaDirection.FromDevice)) // no cache holds it
        {
            board.A.Hw.Write(first.Address, Data.Of(1, 8));
            board.A.Hw.Write(second.Address, Data.Of(2, 8));
        }

        board.Machine.Bus.Detach(registers);
    }

    [On(Ways.Uncopied)]
    public static void A_doorbell_of_another_device(Board board)
    {
        var (dma, hw) = board.A;
        using (var bell = dma.MapResource(new PhysicalAddress(0x4_0000), 8, DmaDirection.FromDevice))
            hw.Write(bell.Address, [0x34, 0x12, 0, 0, 0, 0, 0, 0]);
        Assert.Equal(0x1234u, board.C.Hw.Doorbell & 0xFFFF);
        using (var bell = dma.MapFrames(new PhysicalAddress(0x4_0000), 8, DmaDirection.FromDevice, DmaAttributes.Mmio))
            hw.Write(bell.Address, [0x78, 0x56, 0, 0, 0, 0, 0, 0]);
        Assert.Equal(0x5678u, board.C.Hw.Doorbell & 0xFFFF);
    }

    public static void A_copy_engine_between_buffers_of_two_drivers(Board board)
    {
        var (source, result) = (board.Take(Data.Of(9, Bytes)), board.Take(Bytes));
        using (var from = board.A.Dma.Map(source, DmaDirection.ToDevice))
        using (var to = board.B.Dma.Map(result, DmaDirection.FromDevice))
            board.B.Hw.Write(to.Address, board.A.Hw.Read(from.Address, Bytes));
        Data.Same(Data.Of(9, Bytes), result.Span);
        board.Free(source, result);
    }

    private sealed class VideoMemory : IMmioDevice
    {
        private readonly byte[] _bytes = new byte[0x1000];

        public static PhysicalAddress Window => new(0x0300_0000);

        public uint Size => 0x1000;

        public bool TryRead(uint offset, int width, out ulong value)
        {
            value = 0;
            for (var i = width - 1; i >= 0; i--)
                value = (value << 8) | _bytes[offset + i];
            return true;
        }

        public bool TryWrite(uint offset, int width, ulong value)
        {
            for (var i = 0; i < width; i++)
                _bytes[offset + i] = (byte)(value >> (8 * i));
            return true;
        }
    }
}
