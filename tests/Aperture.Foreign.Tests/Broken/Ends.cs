using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Dma.Sanitizer;
using Aperture.Dma.Shared;
using Aperture.Foreign.Tests.Bench;
using static Aperture.Foreign.Tests.Bench.Mistake;

namespace Aperture.Foreign.Tests.Broken;

/// <summary>Ended twice, never, or in the wrong order.</summary>
internal static class Ends
{
    public static Mistake A_second_unmap(Board board)
    {
        var dma = board.A.Dma;
        var buffer = board.Take(1024);
        var mapping = dma.Map(buffer, DmaDirection.FromDevice);
        mapping.Unmap();
        var at = Here(); Try(() => mapping.Unmap());
        board.Free(buffer);
        return Called(FindingKind.DoubleUnmap, board.A, mapping.Address, 1024, at);
    }

    public static Mistake The_error_path_unmaps_what_the_completion_did(Board board)
    {
        var (dma, hw) = board.A;
        var pages = new[] { board.Take(4096), board.Take(4096), board.Take(4096) };
        var mappings = pages.Select(page => dma.Map(page, DmaDirection.FromDevice)).ToArray();
        hw.Write(mappings[1].Address, Data.Of(1, 4096));
        mappings[1].Unmap(); // completed
        mappings[0].Unmap(); // the reset ends them all
        var at = Here(); Try(() => mappings[1].Unmap());
        mappings[2].Unmap();
        board.Free(pages);
        return Called(FindingKind.DoubleUnmap, board.A, mappings[1].Address, 4096, at);
    }

    /// <summary>The address is another mapping's meanwhile: whose copy is stale is told.</summary>
    public static Mistake A_stale_copy_of_a_mapping_is_ended(Board board)
    {
        var dma = board.A.Dma;
        var buffer = board.Take(4096);
        var stale = dma.Map(buffer, DmaDirection.FromDevice);
        stale.Unmap();
        var fresh = dma.Map(buffer, DmaDirection.FromDevice);
        var at = Here(); Try(() => stale.Unmap());
        Try(() => fresh.Unmap());
        board.Free(buffer);
        return Called(FindingKind.DoubleUnmap, board.A, stale.Address, 4096, at);
    }

    public static Mistake A_list_is_unmapped_twice(Board board)
    {
        var dma = board.A.Dma;
        MemoryBlock[] pages = [board.Take(4096), board.Take(4096)];
        var places = new DmaSegment[2];
        var list = dma.MapScatter(pages, places, DmaDirection.FromDevice);
        var first = list.Segments[0].Address;
        list.Unmap();
        var at = 0;
        try
        {
            at = Here(); list.Unmap();
        }
        catch (ApertureException)
        {
            // where the path can tell
        }

        board.Free(pages);
        return Called(FindingKind.DoubleUnmap, board.A, first, 8192, at);
    }

    public static Mistake A_coherent_buffer_is_freed_twice(Board board)
    {
        var ring = board.A.Dma.Allocate(1024);
        ring.Dispose();
        var at = Here(); Try(() => ring.Dispose());
        return Called(FindingKind.DoubleUnmap, board.A, ring.Address, 1024, at);
    }

    public static Mistake A_receive_buffer_is_left_behind(Board board)
    {
        var buffer = board.Take(2048);
        var mapping = board.A.Dma.Map(buffer, DmaDirection.FromDevice); var at = Here();
        board.Unbind(board.A);
        return Mapped(FindingKind.Leak, board.A, mapping.Address, 2048, at);
    }

    public static Mistake A_ring_is_left_behind(Board board)
    {
        var ring = board.A.Dma.Allocate(4096); var at = Here();
        board.Unbind(board.A);
        return Mapped(FindingKind.Leak, board.A, ring.Address, 4096, at);
    }

    public static Mistake Pages_are_left_behind(Board board)
    {
        var pages = board.A.Dma.AllocatePages(8192, DmaDirection.FromDevice); var at = Here();
        board.Unbind(board.A);
        return Mapped(FindingKind.Leak, board.A, pages.Mapping.Address, 8192, at);
    }

    public static Mistake A_list_is_left_behind(Board board)
    {
        MemoryBlock[] pages = [board.Take(4096), board.Take(4096)];
        var table = new ScatterTable(2);
        table.Map(board.A.Dma, pages, DmaDirection.FromDevice); var at = Here();
        var first = table.Segments[0].Address;
        board.Unbind(board.A);
        return Mapped(FindingKind.Leak, board.A, first, 8192, at);
    }

    public static Mistake One_of_eight_buffers_is_left_behind(Board board)
    {
        var dma = board.A.Dma;
        var buffers = Enumerable.Range(0, 8).Select(_ => board.Take(2048)).ToArray();
        var mappings = new DmaMapping[8];
        var at = 0;
        for (var i = 0; i < 8; i++)
        {
            mappings[i] = dma.Map(buffers[i], DmaDirection.FromDevice); at = Here();
        }

        for (var i = 0; i < 7; i++) // the last is forgotten
            mappings[i].Unmap();
        board.Unbind(board.A);
        return Mapped(FindingKind.Leak, board.A, mappings[7].Address, 2048, at);
    }

    public static Mistake The_error_path_forgets_the_first_fragment(Board board)
    {
        var dma = board.A.Dma;
        var frame = board.Take(2048);
        var first = dma.Map(frame.Slice(0, 1024), DmaDirection.ToDevice); var at = Here();
        Assert.NotEqual(Status.Ok, dma.TryMap(frame.Slice(1024, 0), DmaDirection.ToDevice, out var second));
        Assert.False(second.IsMapped);
        board.Unbind(board.A);
        return Mapped(FindingKind.Leak, board.A, first.Address, 1024, at);
    }

    [On(Ways.Chosen)]
    public static Mistake Links_are_left_behind(Board board)
    {
        var page = board.Take(4096);
        var links = new LinkedMapping();
        Assert.True(links.TryAllocate(board.A.Dma, 4096));
        links.Link(0, page, DmaDirection.FromDevice); var at = Here();
        links.Sync();
        var address = links.Address;
        board.Unbind(board.A);
        return Mapped(FindingKind.Leak, board.A, address, 4096, at);
    }

    public static Mistake A_pool_of_blocks_is_left_behind(Board board)
    {
        var pool = new CoherentBlocks(board.A.Dma, 64); var at = Here();
        var block = pool.Allocate();
        board.Unbind(board.A);
        return Mapped(FindingKind.Leak, board.A, block.Address, 4096, at);
    }

    public static Mistake Memory_is_freed_before_the_unmap(Board board)
    {
        var dma = board.A.Dma;
        var buffer = board.Take(4096);
        var mapping = dma.Map(buffer, DmaDirection.FromDevice);
        var at = Here(); board.Memory.Free(buffer);
        mapping.Unmap();
        return Called(FindingKind.FreedWhileMapped, board.A, mapping.Address, 4096, at);
    }

    public static Mistake Memory_of_which_a_part_is_mapped_is_freed(Board board)
    {
        var dma = board.A.Dma;
        var buffer = board.Take(8192);
        var mapping = dma.Map(buffer.Slice(4096, 512), DmaDirection.ToDevice);
        var at = Here(); board.Memory.Free(buffer);
        mapping.Unmap();
        return Called(FindingKind.FreedWhileMapped, board.A, mapping.Address, 512, at);
    }

    public static Mistake A_page_of_a_list_is_freed(Board board)
    {
        var dma = board.A.Dma;
        MemoryBlock[] pages = [board.Take(4096), board.Take(4096)];
        var table = new ScatterTable(2);
        table.Map(dma, pages, DmaDirection.ToDevice);
        var first = table.Segments[0].Address;
        var at = Here(); board.Memory.Free(pages[0]);
        table.Unmap();
        board.Free(pages[1]);
        return Called(FindingKind.FreedWhileMapped, board.A, first, 4096, at);
    }

    public static Mistake A_user_still_looks_at_a_buffer_that_goes(Board board)
    {
        var frames = board.A.Dma.Allocate(8192);
        var view = frames.MapToUser(0, 8192);
        var at = Here(); frames.Dispose();
        Assert.True(view.IsVoid);
        return Called(FindingKind.FreedWhileMappedToUser, board.A, frames.Address, 8192, at);
    }

    public static Mistake The_buffer_of_the_next_entry_is_unmapped(Board board)
    {
        var (dma, hw) = board.A;
        var buffers = new[] { board.Take(2048), board.Take(2048) };
        var mappings = buffers.Select(buffer => dma.Map(buffer, DmaDirection.FromDevice)).ToArray();
        hw.Write(mappings[0].Address, Data.Of(1, 100));
        mappings[1].Unmap(); var at = Here(); // off by one
        hw.Write(mappings[1].Address, Data.Of(2, 100));
        mappings[0].Unmap();
        board.Free(buffers);
        return Ended(FindingKind.DeviceUseAfterUnmap, board.A, mappings[1].Address, 100, at);
    }

    public static Mistake The_buffer_is_unmapped_before_the_device_stops(Board board)
    {
        var (dma, hw) = board.A;
        var frames = new[] { board.Take(8192), board.Take(8192) };
        var mappings = frames.Select(frame => dma.Map(frame, DmaDirection.FromDevice)).ToArray();
        mappings[0].Unmap();
        mappings[1].Unmap(); var at = Here();
        hw.Write(mappings[1].Address + 1024, Data.Of(1, 640)); // a line is under way
        hw.SetReset(true);
        hw.SetReset(false);
        board.Free(frames);
        return Ended(FindingKind.DeviceUseAfterUnmap, board.A, mappings[1].Address + 1024, 640, at);
    }

    public static Mistake The_timeout_unmaps_and_does_not_abort(Board board)
    {
        var (dma, hw) = board.A;
        MemoryBlock[] pages = [board.Take(4096), board.Take(4096)];
        var table = new ScatterTable(2);
        table.Map(dma, pages, DmaDirection.FromDevice);
        hw.Write(table.Segments[0].Address, Data.Of(1, 512));
        var next = table.Segments[0].Address + 512;
        table.Unmap(); var at = Here();
        hw.Write(next, Data.Of(2, 512)); // it was slow, not dead
        board.Free(pages);
        return Ended(FindingKind.DeviceUseAfterUnmap, board.A, next, 512, at);
    }

    public static Mistake A_managed_mapping_is_ended_twice(Board board)
    {
        var mapping = board.A.Dma.MapManaged(new byte[64], DmaDirection.FromDevice);
        mapping.Dispose();
        var at = Here(); Try(() => mapping.Dispose());
        return Called(FindingKind.DoubleUnmap, board.A, mapping.Mapping.Address, 64, at);
    }

    public static Mistake The_device_is_left_a_member_of_a_shared_buffer(Board board)
    {
        var buffer = SharedBuffer.Allocate(board.Memory, 8192);
        var address = buffer.Attach(board.A.Device); var at = Here();
        board.Unbind(board.A);
        buffer.Dispose();
        return Mapped(FindingKind.Leak, board.A, address, 8192, at);
    }
}
