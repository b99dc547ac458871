using System.Runtime.InteropServices;
using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Dma.Sanitizer;
using Aperture.Foreign.Tests.Bench;
using static Aperture.Foreign.Tests.Bench.Mistake;

namespace Aperture.Foreign.Tests.Broken;

/// <summary>The wrong memory is mapped, or mapped twice, or not at all.</summary>
internal static class Maps
{
    private const Ways NotSnooping = Ways.All & ~Ways.Snooping;

    public static Mistake The_same_page_is_twice_in_a_list(Board board)
    {
        var dma = board.A.Dma;
        MemoryBlock[] pages = [board.Take(4096), board.Take(4096)];
        MemoryBlock[] pieces = [pages[0], pages[1], pages[0]];
        var table = new ScatterTable(3);
        var at = Here(); table.Map(dma, pieces, DmaDirection.FromDevice);
        var last = table.Segments[^1].Address + table.Segments[^1].Length;
        table.Unmap();
        board.Free(pages);
        return Called(FindingKind.OverlappingMappings, board.A, new Iova(last.Value - 4096), 4096, at);
    }

    public static Mistake Pieces_of_a_list_overlap(Board board)
    {
        var dma = board.A.Dma;
        var buffer = board.Take(4096);
        MemoryBlock[] pieces = [buffer.Slice(0, 2048), buffer.Slice(1024, 2048)];
        var table = new ScatterTable(2);
        var at = Here(); table.Map(dma, pieces, DmaDirection.FromDevice);
        var second = table.Segments[^1].Address + table.Segments[^1].Length;
        table.Unmap();
        board.Free(buffer);
        return Called(FindingKind.OverlappingMappings, board.A, new Iova(second.Value - 2048), 1024, at);
    }

    public static Mistake A_buffer_is_refilled_that_is_still_in_the_ring(Board board)
    {
        var dma = board.A.Dma;
        var buffer = board.Take(2048);
        var first = dma.Map(buffer, DmaDirection.FromDevice);
        var at = Here(); var second = dma.Map(buffer, DmaDirection.FromDevice);
        second.Unmap();
        first.Unmap();
        board.Free(buffer);
        return Called(FindingKind.OverlappingMappings, board.A, second.Address, 2048, at);
    }

    public static Mistake A_part_of_what_is_being_received_is_sent(Board board)
    {
        var dma = board.A.Dma;
        var buffer = board.Take(4096);
        var received = dma.Map(buffer, DmaDirection.FromDevice);
        var at = Here(); var sent = dma.Map(buffer.Slice(1024, 512), DmaDirection.ToDevice);
        sent.Unmap();
        received.Unmap();
        board.Free(buffer);
        return Called(FindingKind.OverlappingMappings, board.A, sent.Address, 512, at);
    }

    [On(NotSnooping)]
    public static Mistake Two_small_buffers_in_one_line(Board board)
    {
        var dma = board.A.Dma;
        var slab = board.Take(64);
        var first = dma.Map(slab.Slice(0, 32), DmaDirection.FromDevice);
        var at = Here(); var second = dma.Map(slab.Slice(32, 32), DmaDirection.FromDevice);
        second.Unmap();
        first.Unmap();
        board.Free(slab);
        return Called(FindingKind.SharedCacheLine, board.A, second.Address, 32, at);
    }

    [On(NotSnooping)]
    public static Mistake A_status_word_shares_its_line_with_a_command(Board board)
    {
        var dma = board.A.Dma;
        var block = board.Take(64);
        var command = dma.Map(block.Slice(0, 48), DmaDirection.ToDevice);
        var at = Here(); var status = dma.Map(block.Slice(48, 16), DmaDirection.FromDevice);
        status.Unmap();
        command.Unmap();
        board.Free(block);
        return Called(FindingKind.SharedCacheLine, board.A, status.Address, 16, at);
    }

    [On(NotSnooping)]
    public static Mistake The_driver_s_own_fields_lie_beside_a_buffer(Board board)
    {
        var (dma, hw) = board.A;
        var state = board.Take(256);
        var mapping = dma.Map(state.Slice(16, 48), DmaDirection.FromDevice); var at = Here();
        state.Slice(0, 8).Span.Fill(0x55); // a counter, while the device works
        hw.Write(mapping.Address, Data.Of(1, 48));
        mapping.Unmap();
        board.Free(state);
        return Mapped(FindingKind.SharedCacheLine, board.A, mapping.Address, 48, at);
    }

    public static unsafe Mistake A_variable_on_the_stack(Board board)
    {
        var dma = board.A.Dma;
        var page = board.Take(4096);
        var variable = stackalloc byte[64];
        var block = new MemoryBlock(variable, page.Address, 64);
        var at = Here(); Try(() => dma.Map(block, DmaDirection.ToDevice).Unmap());
        board.Free(page);
        return Called(FindingKind.StackMemory, board.A, Told(board), 64, at);
    }

    public static unsafe Mistake An_array_that_the_garbage_collector_moves(Board board)
    {
        var dma = board.A.Dma;
        var page = board.Take(4096);
        var array = new byte[64];
        var at = 0;
        fixed (byte* pointer = array)
        {
            var block = new MemoryBlock(pointer, page.Address, 64);
            at = Here(); Try(() => dma.Map(block, DmaDirection.ToDevice).Unmap());
        }

        board.Free(page);
        return Called(FindingKind.MovableMemory, board.A, Told(board), 64, at);
    }

    public static unsafe Mistake A_constant(Board board)
    {
        var dma = board.A.Dma;
        var page = board.Take(4096);
        ReadOnlySpan<byte> constant = "a command that is compiled in, of sixty-four bytes, no fewer...."u8;
        var at = 0;
        fixed (byte* pointer = &MemoryMarshal.GetReference(constant))
        {
            var block = new MemoryBlock(pointer, page.Address, 64);
            at = Here(); Try(() => dma.Map(block, DmaDirection.ToDevice).Unmap());
        }

        board.Free(page);
        return Called(FindingKind.ReadOnlyMemory, board.A, Told(board), 64, at);
    }

    [On(Ways.Chosen)]
    public static Mistake Two_devices_in_one_page_behind_the_unit(Board board)
    {
        var page = board.Take(4096);
        var first = board.B.Dma.Map(page.Slice(0, 1024), DmaDirection.FromDevice);
        var at = Here(); var second = board.A.Dma.Map(page.Slice(1024, 1024), DmaDirection.FromDevice);
        second.Unmap();
        first.Unmap();
        board.Free(page);
        return Called(FindingKind.NeighbourReachable, board.A, second.Address, 1024, at);
    }

    public static Mistake A_segment_longer_than_the_device_can_take(Board board)
    {
        var dma = board.A.Dma;
        dma.SetMaxSegmentSize(4096);
        var buffer = board.Take(16 << 10);
        var table = new ScatterTable(1);
        var at = Here(); table.Map(dma, [buffer], DmaDirection.ToDevice);
        var address = table.Segments[0].Address;
        table.Unmap();
        board.Free(buffer);
        return Called(FindingKind.SegmentTooLong, board.A, address, 16 << 10, at);
    }

    [On(Ways.Direct | Ways.DirectSnooping)]
    public static Mistake A_segment_across_a_boundary(Board board)
    {
        var dma = board.A.Dma;
        dma.SetSegmentBoundary(0x1FFF);
        var buffer = board.Take(16 << 10);
        var table = new ScatterTable(1);
        var at = Here(); table.Map(dma, [buffer.Slice(4096, 8192)], DmaDirection.ToDevice);
        var address = table.Segments[0].Address;
        table.Unmap();
        board.Free(buffer);
        return Called(FindingKind.SegmentAcrossBoundary, board.A, address, 8192, at);
    }

    public static Mistake A_failed_map_goes_into_a_descriptor(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(64);
        dma.TryMap(buffer.Slice(0, 0), DmaDirection.ToDevice, out var mapping); var at = Here();
        hw.Read(mapping.Address, 1);
        board.Free(buffer);
        return Mapped(FindingKind.FailedMappingUsed, board.A, mapping.Address, 1, at);
    }

    public static Mistake A_failed_map_is_synced(Board board)
    {
        var dma = board.A.Dma;
        var buffer = board.Take(64);
        dma.TryMap(buffer, DmaDirection.ToDevice, out var mapping, DmaAttributes.WeakOrdering);
        var at = Here(); Try(() => mapping.SyncForDevice());
        board.Free(buffer);
        return Called(FindingKind.FailedMappingUsed, board.A, mapping.Address, 64, at);
    }

    public static Mistake A_failed_map_is_unmapped(Board board)
    {
        var dma = board.A.Dma;
        var buffer = board.Take(64);
        dma.TryMap(buffer, DmaDirection.ToDevice, out var mapping, DmaAttributes.WeakOrdering);
        var at = Here(); Try(() => mapping.Unmap());
        board.Free(buffer);
        return Called(FindingKind.FailedMappingUsed, board.A, mapping.Address, 64, at);
    }

    public static Mistake One_of_two_failed_maps_was_checked(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(64);
        dma.TryMap(buffer, DmaDirection.ToDevice, out var first, DmaAttributes.WeakOrdering);
        Assert.False(first.IsMapped);
        dma.TryMap(buffer, DmaDirection.ToDevice, out var second, DmaAttributes.WeakOrdering);
        var at = Here(); Try(() => second.Unmap());
        board.Free(buffer);
        return Called(FindingKind.FailedMappingUsed, board.A, second.Address, 64, at);
    }

    public static Mistake Coherent_memory_is_given_to_a_streaming_call(Board board)
    {
        var dma = board.A.Dma;
        using var ring = dma.Allocate(4096);
        var at = Here(); var mapping = dma.Map(ring.Memory, DmaDirection.ToDevice);
        mapping.Unmap();
        return Called(FindingKind.WrongApi, board.A, mapping.Address, 4096, at);
    }

    public static Mistake The_map_is_forgotten(Board board)
    {
        var (dma, hw) = board.A;
        var frame = board.Take(Data.Of(1, 512));
        hw.Read(new Iova(frame.Address.Value), 512);
        board.Free(frame);
        return Stray(board.A, new Iova(frame.Address.Value), 512);
    }

    [Missed("what is allocated only the memory's own allocator knows; the sanitizer hears of frees, not of what is free")]
    public static Mistake Memory_is_mapped_after_it_was_freed(Board board)
    {
        var dma = board.A.Dma;
        var buffer = board.Take(4096);
        board.Free(buffer);
        var at = Here(); var mapping = dma.Map(buffer, DmaDirection.FromDevice);
        mapping.Unmap();
        return Called(FindingKind.FreedWhileMapped, board.A, mapping.Address, 4096, at);
    }

    public static Mistake Only_the_first_fragment_was_mapped(Board board)
    {
        var (dma, hw) = board.A;
        var frame = board.Take(8192);
        var mapping = dma.Map(frame.Slice(0, 1024), DmaDirection.ToDevice); var at = Here();
        hw.Read(mapping.Address, 1024);
        hw.Read(mapping.Address + 1024, 512); // the second fragment, in the same page
        mapping.Unmap();
        board.Free(frame);
        return Mapped(FindingKind.DeviceOutsideMapping, board.A, mapping.Address + 1024, 512, at);
    }

    /// <summary>What the finding says: there is no mapping to compare with.</summary>
    private static Iova Told(Board board) => board.Sanitizer.Findings.Count > 0 ? board.Sanitizer.Findings[0].Address : default;
}
