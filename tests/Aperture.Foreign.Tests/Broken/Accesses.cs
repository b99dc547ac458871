using System.Buffers.Binary;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Dma.Sanitizer;
using Aperture.Dma.Shared;
using Aperture.Foreign.Tests.Bench;
using Aperture.Hardware.Bus;
using static Aperture.Foreign.Tests.Bench.Mistake;

namespace Aperture.Foreign.Tests.Broken;

/// <summary>The device is told the wrong place, or goes on too long.</summary>
internal static class Accesses
{
    public static Mistake One_byte_too_many(Board board)
    {
        var (dma, hw) = board.A;
        var page = board.Take(4096);
        var mapping = dma.Map(page.Slice(0, 1024), DmaDirection.FromDevice); var at = Here();
        hw.Write(mapping.Address, Data.Of(1, 1025));
        mapping.Unmap();
        board.Free(page);
        return Mapped(FindingKind.DeviceOutsideMapping, board.A, mapping.Address + 1024, 1, at);
    }

    [On(Ways.Uncopied)] // a bounce buffer begins with a page
    public static Mistake The_byte_before(Board board)
    {
        var (dma, hw) = board.A;
        var page = board.Take(4096);
        var mapping = dma.Map(page.Slice(1024, 1024), DmaDirection.FromDevice); var at = Here();
        hw.Write(new Iova(mapping.Address.Value - 1), [1]);
        mapping.Unmap();
        board.Free(page);
        return Mapped(FindingKind.DeviceOutsideMapping, board.A, new Iova(mapping.Address.Value - 1), 1, at);
    }

    public static Mistake The_length_register_says_a_page(Board board)
    {
        var (dma, hw) = board.A;
        var page = board.Take(4096);
        var mapping = dma.Map(page.Slice(0, 2048), DmaDirection.ToDevice); var at = Here();
        hw.Read(mapping.Address, 4096);
        mapping.Unmap();
        board.Free(page);
        return Mapped(FindingKind.DeviceOutsideMapping, board.A, mapping.Address + 2048, 2048, at);
    }

    public static Mistake The_headroom_is_added_twice(Board board)
    {
        var (dma, hw) = board.A;
        var page = board.Take(4096);
        var mapping = dma.MapPage(page, 2048, 512, DmaDirection.FromDevice); var at = Here();
        hw.Write(mapping.Address + 1024, Data.Of(1, 64));
        mapping.Unmap();
        board.Free(page);
        return Mapped(FindingKind.DeviceOutsideMapping, board.A, mapping.Address + 1024, 64, at);
    }

    public static Mistake Past_the_end_of_the_page(Board board)
    {
        var (dma, hw) = board.A;
        var pages = board.Take(8192);
        var mapping = dma.Map(pages.Slice(0, 4096), DmaDirection.FromDevice);
        hw.Write(mapping.Address + 4096, Data.Of(1, 32));
        mapping.Unmap();
        board.Free(pages);
        return Stray(board.A, mapping.Address + 4096, 32);
    }

    public static Mistake The_ring_does_not_wrap(Board board)
    {
        var (dma, hw) = board.A;
        using var ring = dma.Allocate(8 * Ring.Size); var at = Here();
        hw.Read(ring.Address + (8 * Ring.Size), Ring.Size);
        return Mapped(FindingKind.DeviceOutsideMapping, board.A, ring.Address + (8 * Ring.Size), Ring.Size, at);
    }

    [On(Ways.All & ~Ways.BehindUnit)] // there the machine's generic master stands beside it, and the access could be that one's
    public static Mistake The_device_works_in_reset(Board board)
    {
        var (dma, hw) = board.A;
        using var ring = dma.Allocate(256); var at = Here();
        hw.SetReset(true);
        hw.Write(ring.Address, Data.Of(1, 16));
        hw.SetReset(false);
        return Mapped(FindingKind.DeviceSuspended, board.A, ring.Address, 16, at);
    }

    public static Mistake An_offset_without_a_base(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(4096);
        var mapping = dma.Map(buffer, DmaDirection.FromDevice);
        hw.Write(new Iova(0x40), Data.Of(1, 64));
        mapping.Unmap();
        board.Free(buffer);
        return Stray(board.A, new Iova(0x40), 64);
    }

    [On(Ways.BehindUnit)]
    public static Mistake The_physical_address_behind_a_unit(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(4096);
        var mapping = dma.Map(buffer, DmaDirection.FromDevice);
        hw.Write(new Iova(buffer.Address.Value), Data.Of(1, 64));
        mapping.Unmap();
        board.Free(buffer);
        return Stray(board.A, new Iova(buffer.Address.Value), 64);
    }

    public static Mistake The_address_in_the_other_order_of_bytes(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(4096);
        var mapping = dma.Map(buffer, DmaDirection.FromDevice);
        var swapped = new Iova(BinaryPrimitives.ReverseEndianness((uint)mapping.Address.Value | 0x10));
        hw.Write(swapped, Data.Of(1, 4));
        mapping.Unmap();
        board.Free(buffer);
        return Stray(board.A, swapped, 4);
    }

    [On(Ways.Direct | Ways.DirectSnooping)]
    public static Mistake The_address_of_another_device_s_buffer(Board board)
    {
        var buffer = board.Take(4096);
        var mapping = board.B.Dma.Map(buffer, DmaDirection.FromDevice); var at = Here();
        board.A.Hw.Write(mapping.Address, Data.Of(1, 64));
        mapping.Unmap();
        board.Free(buffer);
        return Mapped(FindingKind.DeviceInForeignMapping, board.A, mapping.Address, 64, at);
    }

    public static Mistake A_write_after_the_unmap(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(4096);
        var mapping = dma.Map(buffer, DmaDirection.FromDevice);
        mapping.Unmap(); var at = Here();
        hw.Write(mapping.Address, Data.Of(1, 100));
        board.Free(buffer);
        return Ended(FindingKind.DeviceUseAfterUnmap, board.A, mapping.Address, 100, at);
    }

    public static Mistake A_read_after_the_unmap(Board board)
    {
        var (dma, hw) = board.A;
        var frame = board.Take(Data.Of(1, 1000));
        var mapping = dma.Map(frame, DmaDirection.ToDevice);
        mapping.Unmap(); var at = Here(); // before the device has said that it is done
        hw.Read(mapping.Address, 1000);
        board.Free(frame);
        return Ended(FindingKind.DeviceUseAfterUnmap, board.A, mapping.Address, 1000, at);
    }

    public static Mistake An_old_descriptor_is_processed_again(Board board)
    {
        var (dma, hw) = board.A;
        using var ring = dma.Allocate(64);
        var buffer = board.Take(2048);
        var mapping = dma.Map(buffer, DmaDirection.FromDevice);
        Ring.Post(ring.Span, 0, mapping.Address, 2048);
        hw.Receive(ring.Address, 0, Data.Of(1, 100));
        mapping.Unmap(); var at = Here(); // and the descriptor stays
        hw.Receive(ring.Address, 0, Data.Of(2, 200));
        board.Free(buffer);
        return Ended(FindingKind.DeviceUseAfterUnmap, board.A, mapping.Address, 200, at);
    }

    public static Mistake A_coherent_ring_is_used_after_it_was_freed(Board board)
    {
        var (dma, hw) = board.A;
        var ring = dma.Allocate(256);
        ring.Dispose(); var at = Here();
        hw.Read(ring.Address, 16);
        return Ended(FindingKind.DeviceUseAfterUnmap, board.A, ring.Address, 16, at);
    }

    public static Mistake A_block_is_given_back_too_early(Board board)
    {
        var (dma, hw) = board.A;
        using var pool = new CoherentBlocks(dma, 64);
        var block = pool.Allocate();
        block.Dispose(); var at = Here();
        hw.Write(block.Address, Data.Of(1, 64));
        return Ended(FindingKind.DeviceUseAfterUnmap, board.A, block.Address, 64, at);
    }

    public static Mistake Pages_are_used_after_they_were_freed(Board board)
    {
        var (dma, hw) = board.A;
        var pages = dma.AllocatePages(8192, DmaDirection.FromDevice);
        pages.Dispose(); var at = Here();
        hw.Write(pages.Mapping.Address + 4096, Data.Of(1, 64));
        return Ended(FindingKind.DeviceUseAfterUnmap, board.A, pages.Mapping.Address + 4096, 64, at);
    }

    public static Mistake A_list_is_used_after_its_unmap(Board board)
    {
        var (dma, hw) = board.A;
        MemoryBlock[] pages = [board.Take(4096), board.Take(4096)];
        var table = new ScatterTable(2);
        table.Map(dma, pages, DmaDirection.FromDevice);
        var first = table.Segments[0].Address;
        table.Unmap(); var at = Here();
        hw.Write(first + 512, Data.Of(1, 512));
        board.Free(pages);
        return Ended(FindingKind.DeviceUseAfterUnmap, board.A, first + 512, 512, at);
    }

    [On(Ways.Chosen)]
    public static Mistake A_link_is_used_after_it_ended(Board board)
    {
        var (dma, hw) = board.A;
        var page = board.Take(4096);
        using var links = new LinkedMapping();
        Assert.True(links.TryAllocate(dma, 8192));
        links.Link(0, page, DmaDirection.FromDevice);
        links.Sync();
        links.Unlink(0, 4096); var at = Here();
        hw.Write(links.Address, Data.Of(1, 64));
        board.Free(page);
        return Ended(FindingKind.DeviceUseAfterUnmap, board.A, links.Address, 64, at);
    }

    [On(Ways.Chosen)]
    public static Mistake An_address_that_nothing_is_linked_to(Board board)
    {
        var (dma, hw) = board.A;
        var page = board.Take(4096);
        using var links = new LinkedMapping();
        Assert.True(links.TryAllocate(dma, 8192));
        links.Link(0, page, DmaDirection.FromDevice);
        links.Sync();
        hw.Write(links.Address + 4096, Data.Of(1, 64));
        var stray = links.Address + 4096;
        links.Free();
        board.Free(page);
        return Stray(board.A, stray, 64);
    }

    public static Mistake A_transmit_buffer_is_written_to(Board board)
    {
        var (dma, hw) = board.A;
        var frame = board.Take(1024);
        var mapping = dma.Map(frame, DmaDirection.ToDevice); var at = Here();
        hw.Write(mapping.Address + 8, Data.Of(1, 16)); // a time stamp, written back into the frame
        mapping.Unmap();
        board.Free(frame);
        return Mapped(FindingKind.DeviceAgainstDirection, board.A, mapping.Address + 8, 16, at);
    }

    public static Mistake A_frame_to_send_was_mapped_as_one_to_receive(Board board)
    {
        var (dma, hw) = board.A;
        var frame = board.Take(Data.Of(1, 1024));
        var mapping = dma.Map(frame, DmaDirection.FromDevice); var at = Here();
        hw.Read(mapping.Address, 1024);
        mapping.Unmap();
        board.Free(frame);
        return Mapped(FindingKind.DeviceAgainstDirection, board.A, mapping.Address, 1024, at);
    }

    public static Mistake The_device_works_while_it_is_suspended(Board board)
    {
        var (dma, hw) = board.A;
        using var ring = dma.Allocate(256);
        board.A.Device.Power.Put();
        hw.Write(ring.Address, Data.Of(1, 16));
        board.A.Device.Power.Get();
        return new Mistake(FindingKind.DeviceSuspended, board.A, ring.Address, 16, 0, Place.None);
    }

    public static Mistake The_driver_goes_and_the_device_does_not_stop(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(4096);
        var mapping = dma.Map(buffer, DmaDirection.FromDevice);
        mapping.Unmap(); var at = Here();
        board.Unbind(board.A);
        board.Free(buffer);
        hw.Write(mapping.Address, Data.Of(1, 64));
        return Ended(FindingKind.DeviceUseAfterUnmap, board.A, mapping.Address, 64, at);
    }

    public static Mistake The_next_driver_inherits_a_device_that_runs(Board board)
    {
        var (dma, hw) = board.A;
        var ring = dma.Allocate(4096);
        ring.Dispose(); var at = Here();
        board.Rebind(board.A);
        hw.Write(ring.Address + 64, Data.Of(1, 64));
        return Ended(FindingKind.DeviceUseAfterUnmap, board.A, ring.Address + 64, 64, at);
    }

    public static Mistake The_resume_arms_the_addresses_of_before(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(4096);
        var mapping = dma.Map(buffer, DmaDirection.FromDevice);
        var line = 0;
        board.A.OnSuspend = () => { line = Here(); mapping.Unmap(); };
        board.A.Device.Power.Put();
        board.A.Device.Power.Get();
        board.A.OnSuspend = null;
        hw.Write(mapping.Address, Data.Of(1, 1000));
        board.Free(buffer);
        return Ended(FindingKind.DeviceUseAfterUnmap, board.A, mapping.Address, 1000, line);
    }

    public static Mistake A_device_writes_out_of_turn(Board board)
    {
        using var buffer = SharedBuffer.Allocate(board.Memory, 8192);
        var address = buffer.Attach(board.A.Device); var at = Here();
        using (buffer.TryBegin(board.A.Device, DmaDirection.FromDevice))
            board.A.Hw.Write(address, Data.Of(1, 8192));
        board.A.Hw.Write(address + 64, Data.Of(2, 64));
        return Mapped(FindingKind.DeviceOutOfTurn, board.A, address + 64, 64, at);
    }

    public static Mistake A_display_writes_in_the_turn_in_which_it_reads(Board board)
    {
        using var buffer = SharedBuffer.Allocate(board.Memory, 8192);
        var address = buffer.Attach(board.A.Device); var at = Here();
        using (buffer.TryBegin(board.A.Device, DmaDirection.ToDevice))
            board.A.Hw.Write(address, Data.Of(2, 32));
        return Mapped(FindingKind.DeviceOutOfTurn, board.A, address, 32, at);
    }

    public static Mistake The_consumer_does_not_wait_for_the_producer(Board board)
    {
        using var buffer = SharedBuffer.Allocate(board.Memory, 8192);
        var a = buffer.Attach(board.A.Device);
        var b = buffer.Attach(board.B.Device); var at = Here();
        using (buffer.TryBegin(board.A.Device, DmaDirection.FromDevice))
        {
            board.A.Hw.Write(a, Data.Of(1, 4096));
            board.B.Hw.Read(b, 4096);
            board.A.Hw.Write(a + 4096, Data.Of(1, 4096));
        }

        return Mapped(FindingKind.DeviceOutOfTurn, board.B, b, 4096, at);
    }

    [On(Ways.Uncopied)]
    public static Mistake The_mask_is_set_after_the_map(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(4096);
        var mapping = dma.Map(buffer, DmaDirection.FromDevice); var at = Here();
        dma.SetMask((board.Setting.Way & Ways.BehindUnit) != 0 ? 12 : 31);
        hw.Write(mapping.Address, Data.Of(1, 64));
        mapping.Unmap();
        board.Free(buffer);
        return Mapped(FindingKind.DeviceAboveMask, board.A, mapping.Address, 64, at);
    }

    [On(Ways.Chosen)]
    public static Mistake The_firmware_was_linked_to_another_address(Board board)
    {
        var (dma, hw) = board.A;
        var image = board.Take(Data.Of(1, 4096));
        using var mapping = dma.MapAt(image, new Iova(0x1000_0000), DmaDirection.ToDevice);
        hw.Read(new Iova(0x2000_0000), 256);
        return Stray(board.A, new Iova(0x2000_0000), 256);
    }

    [On(Ways.Uncopied)]
    public static Mistake Video_memory_is_taken_back_while_it_is_mapped(Board board)
    {
        var registers = new Nothing();
        board.Machine.Bus.Attach(Nothing.Window, registers);
        var video = board.B.Dma.Publish(new MemoryRange(Nothing.Window, 0x1000));
        var mapping = board.A.Dma.Map(video.Slice(0, 64), DmaDirection.FromDevice);
        var at = Here(); video.Withdraw();
        mapping.Unmap();
        board.Machine.Bus.Detach(registers);
        return Called(FindingKind.FreedWhileMapped, board.A, mapping.Address, 64, at);
    }

    private sealed class Nothing : IMmioDevice
    {
        public static PhysicalAddress Window => new(0x0300_0000);

        public uint Size => 0x1000;

        public bool TryRead(uint offset, int width, out ulong value)
        {
            value = 0;
            return true;
        }

        public bool TryWrite(uint offset, int width, ulong value) => true;
    }
}
