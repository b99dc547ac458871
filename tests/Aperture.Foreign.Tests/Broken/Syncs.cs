using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Dma.Sanitizer;
using Aperture.Foreign.Tests.Bench;
using static Aperture.Foreign.Tests.Bench.Mistake;

namespace Aperture.Foreign.Tests.Broken;

/// <summary>Syncs that are forgotten, too small, or too late.</summary>
internal static class Syncs
{
    public static Mistake A_look_at_a_frame_that_was_not_synced(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(2048);
        var mapping = dma.Map(buffer, DmaDirection.FromDevice);
        hw.Write(mapping.Address, Data.Of(1, 1514));
        var at = Here(); _ = buffer.Slice(0, 1514).Span[0];
        mapping.Unmap();
        board.Free(buffer);
        return Called(FindingKind.CpuReadBeforeSync, board.A, mapping.Address, 1514, at);
    }

    public static Mistake A_look_before_anything_came(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(512);
        var mapping = dma.Map(buffer, DmaDirection.FromDevice);
        var at = Here(); _ = buffer.Span[0]; // polls in memory that is cached
        hw.Write(mapping.Address, Data.Of(1, 512));
        mapping.Unmap();
        board.Free(buffer);
        return Called(FindingKind.CpuReadBeforeSync, board.A, mapping.Address, 512, at);
    }

    public static Mistake The_header_is_synced_and_the_frame_is_looked_at(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(2048);
        var mapping = dma.Map(buffer, DmaDirection.FromDevice);
        hw.Write(mapping.Address, Data.Of(1, 1024));
        mapping.SyncForCpu(0, 64);
        var at = Here(); _ = buffer.Slice(0, 1024).Span[0];
        mapping.Unmap();
        board.Free(buffer);
        return Called(FindingKind.CpuReadBeforeSync, board.A, mapping.Address + 64, 960, at);
    }

    public static Mistake The_last_byte_is_not_synced(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(2048);
        var mapping = dma.Map(buffer, DmaDirection.FromDevice);
        hw.Write(mapping.Address, Data.Of(1, 65));
        mapping.SyncForCpu(0, 64);
        var at = Here(); _ = buffer.Slice(0, 65).Span[0];
        mapping.Unmap();
        board.Free(buffer);
        return Called(FindingKind.CpuReadBeforeSync, board.A, mapping.Address + 64, 1, at);
    }

    public static Mistake The_wrong_half_of_a_page_is_synced(Board board)
    {
        var (dma, hw) = board.A;
        var page = board.Take(4096);
        var mapping = dma.Map(page, DmaDirection.FromDevice);
        hw.Write(mapping.Address + 2048, Data.Of(1, 256));
        mapping.SyncForCpu(0, 256);
        var at = Here(); _ = page.Slice(2048, 256).Span[0];
        mapping.Unmap();
        board.Free(page);
        return Called(FindingKind.CpuReadBeforeSync, board.A, mapping.Address + 2048, 256, at);
    }

    public static Mistake The_sync_comes_after_the_look(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(128);
        var mapping = dma.Map(buffer, DmaDirection.FromDevice);
        hw.Write(mapping.Address, Data.Of(1, 128));
        var at = Here(); _ = buffer.Span[0];
        mapping.SyncForCpu();
        _ = buffer.Span[0];
        mapping.Unmap();
        board.Free(buffer);
        return Called(FindingKind.CpuReadBeforeSync, board.A, mapping.Address, 128, at);
    }

    public static Mistake The_second_frame_is_not_synced(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(512);
        var mapping = dma.Map(buffer, DmaDirection.FromDevice);
        hw.Write(mapping.Address, Data.Of(1, 512));
        mapping.SyncForCpu();
        _ = buffer.Span[0];
        mapping.SyncForDevice();
        hw.Write(mapping.Address, Data.Of(2, 512));
        var at = Here(); _ = buffer.Span[0];
        mapping.Unmap();
        board.Free(buffer);
        return Called(FindingKind.CpuReadBeforeSync, board.A, mapping.Address, 512, at);
    }

    public static Mistake The_packet_is_finished_after_the_map(Board board)
    {
        var (dma, hw) = board.A;
        var frame = board.Take(Data.Of(1, 256));
        var mapping = dma.Map(frame, DmaDirection.ToDevice); var at = Here();
        frame.Slice(14, 8).Span.Fill(0xEE); // the checksum, too late
        hw.Read(mapping.Address, 256);
        mapping.Unmap();
        board.Free(frame);
        return Mapped(FindingKind.CpuWriteWithoutSync, board.A, mapping.Address + 14, 8, at);
    }

    public static Mistake A_write_that_only_the_unmap_shows(Board board)
    {
        var dma = board.A.Dma;
        var frame = board.Take(256);
        var mapping = dma.Map(frame, DmaDirection.ToDevice);
        frame.Slice(100, 4).Span.Fill(0xEE);
        var at = Here(); mapping.Unmap();
        board.Free(frame);
        return Called(FindingKind.CpuWriteWithoutSync, board.A, mapping.Address + 100, 4, at);
    }

    public static Mistake A_receive_buffer_is_cleared_after_the_map(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(Data.Of(1, 512));
        var mapping = dma.Map(buffer, DmaDirection.FromDevice); var at = Here();
        buffer.Span.Fill(0x77);
        hw.Write(mapping.Address, Data.Of(2, 512));
        mapping.Unmap();
        board.Free(buffer);
        return Mapped(FindingKind.CpuWriteWithoutSync, board.A, mapping.Address, 512, at);
    }

    public static Mistake More_is_written_than_was_taken_back(Board board)
    {
        var (dma, hw) = board.A;
        var table = board.Take(512);
        var mapping = dma.Map(table, DmaDirection.ToDevice); var at = Here();
        mapping.SyncForCpu(0, 64);
        table.Slice(0, 128).Span.Fill(5);
        mapping.SyncForDevice(0, 64);
        hw.Read(mapping.Address, 512);
        mapping.Unmap();
        board.Free(table);
        return Mapped(FindingKind.CpuWriteWithoutSync, board.A, mapping.Address + 64, 64, at);
    }

    public static Mistake The_command_is_not_given_back_to_the_device(Board board)
    {
        var (dma, hw) = board.A;
        var command = board.Take(64);
        var mapping = dma.Map(command, DmaDirection.Bidirectional); var at = Here();
        mapping.SyncForCpu();
        command.Slice(0, 16).Span.Fill(9);
        hw.Read(mapping.Address, 64);
        mapping.Unmap();
        board.Free(command);
        return Mapped(FindingKind.CpuWriteWithoutSync, board.A, mapping.Address, 16, at);
    }

    public static Mistake What_the_cpu_wrote_in_its_turn_is_lost_at_the_unmap(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(256);
        var mapping = dma.Map(buffer, DmaDirection.Bidirectional);
        hw.Write(mapping.Address, Data.Of(1, 256));
        mapping.SyncForCpu();
        buffer.Slice(32, 8).Span.Clear();
        var at = Here(); mapping.Unmap();
        board.Free(buffer);
        return Called(FindingKind.CpuWriteWithoutSync, board.A, mapping.Address + 32, 8, at);
    }

    public static Mistake What_the_cpu_wrote_in_its_turn_is_lost_at_the_next_sync(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(256);
        var mapping = dma.Map(buffer, DmaDirection.Bidirectional);
        hw.Write(mapping.Address, Data.Of(1, 256));
        mapping.SyncForCpu();
        buffer.Slice(64, 16).Span.Clear();
        var at = Here(); mapping.SyncForCpu();
        mapping.SyncForDevice();
        mapping.Unmap();
        board.Free(buffer);
        return Called(FindingKind.CpuWriteWithoutSync, board.A, mapping.Address + 64, 16, at);
    }

    public static Mistake A_frame_is_written_after_it_was_given_back(Board board)
    {
        var (dma, hw) = board.A;
        var page = board.Take(4096);
        var mapping = dma.Map(page, DmaDirection.Bidirectional); var at = Here();
        hw.Write(mapping.Address, Data.Of(1, 1024));
        mapping.SyncForCpu(0, 1024);
        var bytes = page.Slice(0, 1024).Span;
        mapping.SyncForDevice(0, 1024);
        bytes[..6].Fill(0xAA); // the address of the next hop, too late
        hw.Read(mapping.Address, 1024);
        mapping.Unmap();
        board.Free(page);
        return Mapped(FindingKind.CpuWriteWithoutSync, board.A, mapping.Address, 6, at);
    }

    public static Mistake The_unmap_skips_the_sync_and_all_is_read(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(1024);
        var mapping = dma.Map(buffer, DmaDirection.FromDevice);
        hw.Write(mapping.Address, Data.Of(1, 512));
        mapping.Unmap(DmaAttributes.SkipCpuSync);
        var at = Here(); _ = buffer.Slice(0, 512).Span[0];
        board.Free(buffer);
        return Called(FindingKind.CpuReadBeforeSync, board.A, mapping.Address, 512, at);
    }

    public static Mistake The_unmap_skips_the_sync_and_a_part_was_synced(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(1024);
        var mapping = dma.Map(buffer, DmaDirection.FromDevice);
        hw.Write(mapping.Address, Data.Of(1, 512));
        mapping.SyncForCpu(0, 256);
        mapping.Unmap(DmaAttributes.SkipCpuSync);
        var at = Here(); _ = buffer.Slice(0, 512).Span[0];
        board.Free(buffer);
        return Called(FindingKind.CpuReadBeforeSync, board.A, mapping.Address + 256, 256, at);
    }

    [On(Ways.Copied)]
    public static Mistake A_sync_for_the_device_throws_a_frame_away(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(1024);
        var mapping = dma.Map(buffer, DmaDirection.Bidirectional);
        hw.Write(mapping.Address, Data.Of(1, 300));
        var at = Here(); mapping.SyncForDevice(); // meant: for the CPU
        mapping.Unmap();
        board.Free(buffer);
        return Called(FindingKind.DeviceWriteLost, board.A, mapping.Address, 300, at);
    }

    public static Mistake A_sync_with_the_other_direction(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(1024);
        var mapping = dma.Map(buffer, DmaDirection.FromDevice);
        hw.Write(mapping.Address, Data.Of(1, 1024));
        var at = Here(); dma.SyncForCpu(mapping.Address, 1024, DmaDirection.ToDevice);
        mapping.Unmap();
        board.Free(buffer);
        return Called(FindingKind.WrongDirection, board.A, mapping.Address, 1024, at);
    }

    public static Mistake A_sync_over_the_end_of_the_mapping(Board board)
    {
        var (dma, hw) = board.A;
        var page = board.Take(4096);
        var mapping = dma.Map(page.Slice(0, 1024), DmaDirection.FromDevice);
        hw.Write(mapping.Address, Data.Of(1, 1024));
        var at = Here(); dma.SyncForCpu(mapping.Address, 2048, DmaDirection.FromDevice);
        mapping.Unmap();
        board.Free(page);
        return Called(FindingKind.SyncOutsideMapping, board.A, mapping.Address, 2048, at);
    }

    public static Mistake A_sync_of_a_mapping_that_has_ended(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(1024);
        var mapping = dma.Map(buffer, DmaDirection.FromDevice);
        hw.Write(mapping.Address, Data.Of(1, 1024));
        mapping.Unmap();
        var at = Here(); Try(() => mapping.SyncForCpu(0, 512));
        board.Free(buffer);
        return Called(FindingKind.SyncOutsideMapping, board.A, mapping.Address, 512, at);
    }

    public static Mistake The_last_piece_of_a_list_is_not_synced(Board board)
    {
        var (dma, hw) = board.A;
        MemoryBlock[] pages = [board.Take(4096), board.Take(4096)];
        Span<DmaSegment> places = stackalloc DmaSegment[2];
        var list = dma.MapScatter(pages, places, DmaDirection.FromDevice);
        hw.Write(list.Segments, Data.Of(1, 8192));
        var second = list.Segments.Length == 1 ? list.Segments[0].Address + 4096 : list.Segments[1].Address;
        dma.SyncForCpu(list.Segments[0].Address, 4096, DmaDirection.FromDevice);
        _ = pages[0].Span[0];
        var at = Here(); _ = pages[1].Span[0];
        list.Unmap();
        board.Free(pages);
        return Called(FindingKind.CpuReadBeforeSync, board.A, second, 4096, at);
    }

    public static Mistake A_piece_of_a_list_is_written_while_it_is_out(Board board)
    {
        var (dma, hw) = board.A;
        MemoryBlock[] pages = [board.Take(4096), board.Take(4096)];
        Span<DmaSegment> places = stackalloc DmaSegment[2];
        var list = dma.MapScatter(pages, places, DmaDirection.ToDevice);
        var second = list.Segments.Length == 1 ? list.Segments[0].Address + 4096 : list.Segments[1].Address;
        pages[1].Slice(512, 512).Span.Fill(3);
        var at = Here(); list.Unmap();
        board.Free(pages);
        return Called(FindingKind.CpuWriteWithoutSync, board.A, second + 512, 512, at);
    }

    public static Mistake Pages_that_stay_are_read_without_a_sync(Board board)
    {
        var (dma, hw) = board.A;
        using var log = dma.AllocatePages(512, DmaDirection.FromDevice);
        hw.Write(log.Mapping.Address, Data.Of(1, 512));
        var at = Here(); _ = log.Span[0];
        return Called(FindingKind.CpuReadBeforeSync, board.A, log.Mapping.Address, 512, at);
    }

    public static Mistake A_period_is_written_without_a_sync(Board board)
    {
        var (dma, hw) = board.A;
        using var ring = dma.AllocatePages(4096, DmaDirection.ToDevice); var at = Here();
        Data.Of(1, 1024).CopyTo(ring.Memory.Slice(1024, 1024).Span);
        hw.Read(ring.Mapping.Address + 1024, 1024);
        return Mapped(FindingKind.CpuWriteWithoutSync, board.A, ring.Mapping.Address + 1024, 1024, at);
    }

    [On(Ways.Chosen)]
    public static Mistake A_frame_in_pieces_is_read_without_a_sync(Board board)
    {
        var (dma, hw) = board.A;
        using var frame = dma.AllocateNoncontiguous(12 << 10, DmaDirection.FromDevice, DmaAttributes.AllocSinglePages);
        hw.Write(frame.Address, Data.Of(1, 12 << 10));
        var at = Here(); _ = frame.Pieces[1].Span[0];
        return Called(FindingKind.CpuReadBeforeSync, board.A, frame.Address + 4096, 4096, at);
    }

    public static Mistake Managed_memory_is_written_while_it_is_out(Board board)
    {
        var (dma, hw) = board.A;
        var bytes = Data.Of(1, 256);
        var mapping = dma.MapManaged(bytes, DmaDirection.ToDevice);
        bytes[10] ^= 0xFF;
        var at = Here(); mapping.Dispose();
        return Called(FindingKind.CpuWriteWithoutSync, board.A, mapping.Mapping.Address + 10, 1, at);
    }

    public static Mistake A_map_without_sync_and_no_sync_of_the_driver_s_own(Board board)
    {
        var (dma, hw) = board.A;
        var frame = board.Take(512);
        var mapping = dma.Map(frame, DmaDirection.ToDevice, DmaAttributes.SkipCpuSync); var at = Here();
        Data.Of(1, 256).CopyTo(frame.Slice(0, 256).Span);
        hw.Read(mapping.Address, 256);
        mapping.Unmap(DmaAttributes.SkipCpuSync);
        board.Free(frame);
        return Mapped(FindingKind.CpuWriteWithoutSync, board.A, mapping.Address, 256, at);
    }

    /// <summary>Lines that the CPU dirtied before may go to memory over what comes.</summary>
    [Missed("found where caches are modelled and nothing is copied; elsewhere nobody knows that lines were dirty before the map")]
    public static Mistake A_receive_buffer_that_was_never_given_to_the_device(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(Data.Of(3, 512));
        var mapping = dma.Map(buffer, DmaDirection.FromDevice, DmaAttributes.SkipCpuSync); var at = Here();
        hw.Write(mapping.Address, Data.Of(1, 512));
        mapping.SyncForCpu();
        _ = buffer.Span[0];
        mapping.Unmap(DmaAttributes.SkipCpuSync);
        board.Free(buffer);
        return Mapped(FindingKind.CpuWriteWithoutSync, board.A, mapping.Address, 512, at);
    }

    public static Mistake A_sync_through_the_other_device(Board board)
    {
        var (a, b) = (board.A.Dma, board.B.Dma);
        var buffer = board.Take(512);
        var mapping = a.Map(buffer, DmaDirection.FromDevice);
        board.A.Hw.Write(mapping.Address, Data.Of(1, 512));
        var at = Here(); b.SyncForCpu(mapping.Address, 512, DmaDirection.FromDevice);
        mapping.Unmap();
        board.Free(buffer);
        return Called(FindingKind.WrongDevice, board.B, mapping.Address, 512, at);
    }

    public static Mistake A_queued_frame_is_drawn_into(Board board)
    {
        var (dma, hw) = board.A;
        var frame = board.Take(16 << 10);
        var mapping = dma.Map(frame, DmaDirection.FromDevice); var at = Here();
        hw.Write(mapping.Address, Data.Of(1, 16 << 10));
        mapping.SyncForCpu();
        var picture = frame.Span;
        mapping.SyncForDevice(); // queued again
        picture.Slice(8192, 320).Fill(0x80); // and drawn into
        hw.Write(mapping.Address, Data.Of(2, 16 << 10));
        mapping.Unmap();
        board.Free(frame);
        return Mapped(FindingKind.CpuWriteWithoutSync, board.A, mapping.Address + 8192, 320, at);
    }

    public static Mistake Another_buffer_than_the_one_that_completed_is_read(Board board)
    {
        var (dma, hw) = board.A;
        var buffers = new[] { board.Take(2048), board.Take(2048) };
        var mappings = buffers.Select(buffer => dma.Map(buffer, DmaDirection.FromDevice)).ToArray();
        hw.Write(mappings[0].Address, Data.Of(1, 600));
        mappings[0].SyncForCpu(0, 600);
        var at = Here(); _ = buffers[1].Slice(0, 600).Span[0]; // off by one
        mappings[0].Unmap();
        mappings[1].Unmap();
        board.Free(buffers);
        return Called(FindingKind.CpuReadBeforeSync, board.A, mappings[1].Address, 600, at);
    }
}
