using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Foreign.Tests.Bench;

namespace Aperture.Foreign.Tests.Correct;

/// <summary>Disks and their hosts.</summary>
internal static class Storage
{
    public static void A_read_into_scattered_pages(Board board)
    {
        var (dma, hw) = board.A;
        MemoryBlock[] pages = [board.Take(4096), board.Take(4096), board.Take(8192)];
        Span<DmaSegment> places = stackalloc DmaSegment[3];
        using (var list = dma.MapScatter(pages, places, DmaDirection.FromDevice))
            hw.Write(list.Segments, Data.Of(1, 16384));
        Data.Same(Data.Of(1, 16384), [.. pages[0].Span, .. pages[1].Span, .. pages[2].Span]);
        board.Free(pages);
    }

    public static void A_write_from_scattered_pages(Board board)
    {
        var (dma, hw) = board.A;
        MemoryBlock[] pages = [board.Take(Data.Of(1, 4096)), board.Take(Data.Of(2, 4096))];
        Span<DmaSegment> places = stackalloc DmaSegment[2];
        using (var list = dma.MapScatter(pages, places, DmaDirection.ToDevice))
            Data.Same([.. Data.Of(1, 4096), .. Data.Of(2, 4096)], hw.Read(list.Segments));
        board.Free(pages);
    }

    public static void Requests_in_flight_complete_in_any_order(Board board)
    {
        var (dma, hw) = board.A;
        var tables = Enumerable.Range(0, 6).Select(_ => new ScatterTable(4)).ToArray();
        var pages = tables.Select(_ => (MemoryBlock[])[board.Take(4096), board.Take(4096)]).ToArray();
        for (var round = 0; round < 2; round++)
        {
            for (var tag = 0; tag < 6; tag++)
                tables[tag].Map(dma, pages[tag], DmaDirection.FromDevice);
            foreach (var tag in (int[])[3, 0, 5, 1, 4, 2])
            {
                hw.Write(tables[tag].Segments, Data.Of(tag + round, 8192));
                tables[tag].Unmap();
                Data.Same(Data.Of(tag + round, 8192), [.. pages[tag][0].Span, .. pages[tag][1].Span]);
            }
        }

        foreach (var pair in pages)
            board.Free(pair);
    }

    public static void Sense_data_in_a_buffer_with_lines_of_its_own(Board board)
    {
        var (dma, hw) = board.A;
        var align = Math.Max(dma.CacheAlignment, 32);
        var state = board.Take(4096); // a command's state: its own fields, then the sense buffer
        var sense = state.Slice(align, (96 + align - 1) / align * align);
        using (var mapping = dma.Map(sense, DmaDirection.FromDevice))
        {
            state.Slice(0, 16).Span.Fill(0x11); // the driver goes on with its own fields
            hw.Write(mapping.Address, Data.Of(4, 96));
        }

        Data.Same(Data.Of(4, 96), sense.Slice(0, 96).Span);
        Assert.Equal(0x11, state.Slice(0, 16).Span[15]);
        board.Free(state);
    }

    public static void An_inquiry_with_a_small_buffer(Board board)
    {
        var (dma, hw) = board.A;
        var inquiry = board.Take(36);
        using (var mapping = dma.Map(inquiry, DmaDirection.FromDevice))
            hw.Write(mapping.Address, Data.Of(2, 36));
        Data.Same(Data.Of(2, 36), inquiry.Span);
        board.Free(inquiry);
    }

    public static void A_table_of_segments_in_coherent_memory(Board board)
    {
        var (dma, hw) = board.A;
        using var table = dma.Allocate(4 * Ring.Size);
        MemoryBlock[] pages = [board.Take(Data.Of(1, 4096)), board.Take(Data.Of(2, 4096)), board.Take(Data.Of(3, 2048))];
        Span<DmaSegment> places = stackalloc DmaSegment[3];
        using (var list = dma.MapScatter(pages, places, DmaDirection.ToDevice))
        {
            for (var i = 0; i < list.Segments.Length; i++)
                Ring.Post(table.Span, i, list.Segments[i].Address, (int)list.Segments[i].Length);
            var seen = new List<byte>();
            for (var i = 0; i < list.Segments.Length; i++)
                seen.AddRange(hw.Transmit(table.Address, i));
            Data.Same([.. Data.Of(1, 4096), .. Data.Of(2, 4096), .. Data.Of(3, 2048)], [.. seen]);
        }

        board.Free(pages);
    }

    public static void Segments_of_at_most_4_KiB(Board board)
    {
        var (dma, hw) = board.A;
        dma.SetMaxSegmentSize(4096);
        MemoryBlock[] pages = [.. Enumerable.Range(0, 5).Select(i => board.Take(Data.Of(i, 4096)))];
        Span<DmaSegment> places = stackalloc DmaSegment[5];
        using (var list = dma.MapScatter(pages, places, DmaDirection.ToDevice))
        {
            foreach (var segment in list.Segments)
                Assert.InRange(segment.Length, 1u, 4096u);
            Data.Same([.. Enumerable.Range(0, 5).SelectMany(i => Data.Of(i, 4096))], hw.Read(list.Segments));
        }

        board.Free(pages);
    }

    public static void Segments_that_do_not_cross_64_KiB(Board board)
    {
        var (dma, hw) = board.A;
        dma.SetSegmentBoundary(0xFFFF);
        dma.SetMaxSegmentSize(65536);
        MemoryBlock[] pages = [.. Enumerable.Range(0, 10).Select(_ => board.Take(8192))];
        Span<DmaSegment> places = stackalloc DmaSegment[10];
        using (var list = dma.MapScatter(pages, places, DmaDirection.FromDevice))
        {
            foreach (var segment in list.Segments)
                Assert.Equal(segment.Address.Value >> 16, (segment.Address.Value + segment.Length - 1) >> 16);
            hw.Write(list.Segments, Data.Of(7, 81920));
        }

        Data.Same(Data.Of(7, 81920), pages.SelectMany(page => page.Span.ToArray()).ToArray());
        board.Free(pages);
    }

    public static void Page_lists_in_small_coherent_blocks(Board board)
    {
        var (dma, hw) = board.A;
        using var lists = new CoherentBlocks(dma, 8 * Ring.Size, alignment: 64, boundary: 4096);
        for (var round = 0; round < 3; round++)
        {
            var page = board.Take(4096);
            using var list = lists.Allocate();
            using (var mapping = dma.Map(page, DmaDirection.FromDevice))
            {
                for (var i = 0; i < 8; i++)
                    Ring.Post(list.Span, i, mapping.Address + (ulong)(i * 512), 512);
                for (var i = 0; i < 8; i++)
                    hw.Receive(list.Address, i, Data.Of(i + round, 512));
            }

            for (var i = 0; i < 8; i++)
                Data.Same(Data.Of(i + round, 512), page.Slice(i * 512, 512).Span);
            board.Free(page);
        }
    }

    public static void A_sector_is_read_changed_and_written_back(Board board)
    {
        var (dma, hw) = board.A;
        var sector = board.Take(512);
        using (var read = dma.Map(sector, DmaDirection.FromDevice))
            hw.Write(read.Address, Data.Of(8, 512));
        sector.Span[5] = 0xEE;
        var expected = Data.Of(8, 512);
        expected[5] = 0xEE;
        using (var write = dma.Map(sector, DmaDirection.ToDevice))
            Data.Same(expected, hw.Read(write.Address, 512));
        board.Free(sector);
    }

    public static void A_mirror_writes_one_page_to_two_disks_at_once(Board board)
    {
        var page = board.Take(Data.Of(3, 4096));
        using (var first = board.A.Dma.Map(page, DmaDirection.ToDevice))
        using (var second = board.B.Dma.Map(page, DmaDirection.ToDevice))
        {
            Data.Same(Data.Of(3, 4096), board.A.Hw.Read(first.Address, 4096));
            Data.Same(Data.Of(3, 4096), board.B.Hw.Read(second.Address, 4096));
        }

        board.Free(page);
    }

    public static void One_disk_reads_what_the_other_wrote(Board board)
    {
        var page = board.Take(4096);
        using (var from = board.A.Dma.Map(page, DmaDirection.FromDevice))
            board.A.Hw.Write(from.Address, Data.Of(5, 4096));
        using (var to = board.B.Dma.Map(page, DmaDirection.ToDevice))
            Data.Same(Data.Of(5, 4096), board.B.Hw.Read(to.Address, 4096));
        Data.Same(Data.Of(5, 4096), page.Span);
        board.Free(page);
    }

    public static void A_request_times_out_and_is_tried_again(Board board)
    {
        var (dma, hw) = board.A;
        var page = board.Take(4096);
        var mapping = dma.Map(page, DmaDirection.FromDevice);
        hw.Write(mapping.Address, Data.Of(1, 1000)); // and no more comes
        hw.SetReset(true);
        mapping.Unmap();
        hw.SetReset(false);
        using (var again = dma.Map(page, DmaDirection.FromDevice))
            hw.Write(again.Address, Data.Of(2, 4096));
        Data.Same(Data.Of(2, 4096), page.Span);
        board.Free(page);
    }

    public static void Ranges_are_linked_one_by_one(Board board)
    {
        var (dma, hw) = board.A;
        MemoryBlock[] pages = [board.Take(4096), board.Take(8192), board.Take(4096)];
        Span<DmaSegment> places = stackalloc DmaSegment[3];
        using var links = new LinkedMapping();
        for (var round = 0; round < 2; round++)
        {
            if (links.TryAllocate(dma, 16384))
            {
                ulong offset = 0;
                foreach (var page in pages)
                {
                    links.Link(offset, page, DmaDirection.FromDevice);
                    offset += (ulong)page.Length;
                }

                links.Sync();
                hw.Write(links.Address, Data.Of(round, 16384));
                links.Free();
            }
            else
            {
                using var list = dma.MapScatter(pages, places, DmaDirection.FromDevice);
                hw.Write(list.Segments, Data.Of(round, 16384));
            }

            Data.Same(Data.Of(round, 16384), [.. pages[0].Span, .. pages[1].Span, .. pages[2].Span]);
        }

        board.Free(pages);
    }

    [On(Ways.Chosen)]
    public static void Addresses_stay_and_other_pages_are_linked(Board board)
    {
        var (dma, hw) = board.A;
        var links = new LinkedMapping();
        Assert.True(links.TryAllocate(dma, 3 * 4096));
        for (var round = 0; round < 3; round++)
        {
            MemoryBlock[] pages = [board.Take(Data.Of(round, 4096)), board.Take(4096), board.Take(Data.Of(round + 9, 4096))];
            links.Link(0, pages[0], DmaDirection.ToDevice);
            links.Link(4096, pages[1], DmaDirection.FromDevice);
            links.Link(8192, pages[2], DmaDirection.ToDevice);
            links.Sync();
            Data.Same(Data.Of(round, 4096), hw.Read(links.Address, 4096));
            hw.Write(links.Address + 4096, Data.Of(round + 1, 4096));
            Data.Same(Data.Of(round + 9, 4096), hw.Read(links.Address + 8192, 4096));
            links.Unlink(4096, 4096);
            Data.Same(Data.Of(round + 1, 4096), pages[1].Span);
            links.Unlink(0, 4096);
            links.Unlink(8192, 4096);
            board.Free(pages);
        }

        links.Free();
    }

    [On(Ways.Uncopied)]
    public static void A_user_s_pages_known_by_their_frames(Board board)
    {
        var (dma, hw) = board.A;
        var user = board.Take(3 * 4096);
        PhysicalAddress[] frames = [user.Address, user.Address + 4096, user.Address + 8192];
        Span<MemoryBlock> pieces = stackalloc MemoryBlock[3];
        var count = DmaContext.ImportFrames(frames, 4096, 192, 9000, pieces);
        Span<DmaSegment> places = stackalloc DmaSegment[count];
        using (var list = dma.MapScatter(pieces[..count], places, DmaDirection.FromDevice))
            hw.Write(list.Segments, Data.Of(6, 9000));
        Data.Same(Data.Of(6, 9000), user.Slice(192, 9000).Span);
        board.Free(user);
    }

    public static void Integrity_tuples_beside_the_data(Board board)
    {
        var (dma, hw) = board.A;
        var (data, tuples) = (board.Take(Data.Of(1, 4096)), board.Take(Data.Of(2, 64)));
        using (var first = dma.Map(data, DmaDirection.ToDevice))
        using (var second = dma.Map(tuples, DmaDirection.ToDevice))
        {
            for (var i = 0; i < 8; i++)
            {
                Data.Same(Data.Of(1, 4096).AsSpan(i * 512, 512), hw.Read(first.Address + (ulong)(i * 512), 512));
                Data.Same(Data.Of(2, 64).AsSpan(i * 8, 8), hw.Read(second.Address + (ulong)(i * 8), 8));
            }
        }

        board.Free(data, tuples);
    }

    public static void A_log_page_that_is_asked_for_again_and_again(Board board)
    {
        var (dma, hw) = board.A;
        using var log = dma.AllocatePages(512, DmaDirection.FromDevice);
        for (var i = 0; i < 4; i++)
        {
            hw.Write(log.Mapping.Address, Data.Of(i, 512));
            log.Mapping.SyncForCpu();
            Data.Same(Data.Of(i, 512), log.Span);
            log.Mapping.SyncForDevice();
        }
    }

    public static void A_request_ends_early_and_the_rest_is_not_looked_at(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(8192);
        using (var mapping = dma.Map(buffer, DmaDirection.FromDevice))
            hw.Write(mapping.Address, Data.Of(2, 1536));
        Data.Same(Data.Of(2, 1536), buffer.Slice(0, 1536).Span);
        board.Free(buffer);
    }

    public static void An_unaligned_request_goes_through_the_driver_s_own_buffer(Board board)
    {
        var (dma, hw) = board.A;
        var (user, own) = (board.Take(4096), board.Take(2048));
        Data.Of(3, 1000).CopyTo(user.Slice(3, 1000).Span);
        user.Slice(3, 1000).Span.CopyTo(own.Span);
        using (var mapping = dma.Map(own.Slice(0, 1000), DmaDirection.ToDevice))
            Data.Same(Data.Of(3, 1000), hw.Read(mapping.Address, 1000));
        board.Free(user, own);
    }

    public static void A_list_with_an_empty_piece_and_parts_of_pages(Board board)
    {
        var (dma, hw) = board.A;
        var pages = board.Take(Data.Of(1, 8192));
        MemoryBlock[] pieces = [pages.Slice(1024, 3072), pages.Slice(0, 0), pages.Slice(4096, 512)];
        Span<DmaSegment> places = stackalloc DmaSegment[3];
        using (var list = dma.MapScatter(pieces, places, DmaDirection.ToDevice))
            Data.Same(Data.Of(1, 8192).AsSpan(1024, 3584), hw.Read(list.Segments));
        board.Free(pages);
    }

    public static void A_verify_looks_between_two_passes(Board board)
    {
        var (dma, hw) = board.A;
        MemoryBlock[] pages = [board.Take(4096), board.Take(4096)];
        Span<DmaSegment> places = stackalloc DmaSegment[2];
        var list = dma.MapScatter(pages, places, DmaDirection.FromDevice);
        for (var pass = 0; pass < 3; pass++)
        {
            hw.Write(list.Segments, Data.Of(pass, 8192));
            list.SyncForCpu();
            Data.Same(Data.Of(pass, 8192), [.. pages[0].Span, .. pages[1].Span]);
            list.SyncForDevice();
        }

        list.Unmap();
        board.Free(pages);
    }

    public static void A_transfer_larger_than_one_mapping_goes_in_parts(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(512 << 10);
        var step = (int)Math.Min(dma.MaxMappingSize, 192 << 10) & ~4095;
        for (var at = 0; at < buffer.Length; at += step)
        {
            var part = buffer.Slice(at, Math.Min(step, buffer.Length - at));
            using var mapping = dma.Map(part, DmaDirection.FromDevice);
            hw.Write(mapping.Address, Data.Of(at >> 12, part.Length));
        }

        for (var at = 0; at < buffer.Length; at += step)
            Data.Same(Data.Of(at >> 12, Math.Min(step, buffer.Length - at)), buffer.Slice(at, Math.Min(step, buffer.Length - at)).Span);
        board.Free(buffer);
    }

    public static void Commands_from_a_pool_with_status_in_the_same_block(Board board)
    {
        var (dma, hw) = board.A;
        using var pool = new CoherentBlocks(dma, 64);
        var blocks = Enumerable.Range(0, 5).Select(_ => pool.Allocate()).ToList();
        foreach (var (i, block) in blocks.Index())
            Data.Of(i, 32).CopyTo(block.Span);
        foreach (var (i, block) in blocks.Index().Reverse())
        {
            Data.Same(Data.Of(i, 32), hw.Read(block.Address, 32));
            hw.Write(block.Address + 32, Data.Of(i + 50, 32));
            Data.Same(Data.Of(i + 50, 32), block.Span[32..64]);
            block.Dispose();
        }
    }
}
