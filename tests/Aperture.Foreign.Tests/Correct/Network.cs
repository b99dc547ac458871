using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Foreign.Tests.Bench;

namespace Aperture.Foreign.Tests.Correct;

/// <summary>Network cards.</summary>
internal static class Network
{
    private const int Entries = 8;

    public static void A_ring_sends_frames_that_are_mapped_one_by_one(Board board)
    {
        var (dma, hw) = board.A;
        using var ring = dma.Allocate(Entries * Ring.Size);
        var (frames, mappings) = (new MemoryBlock[Entries], new DmaMapping[Entries]);
        for (var round = 0; round < 2; round++)
        {
            for (var i = 0; i < Entries; i++)
            {
                frames[i] = board.Take(Data.Of(i + round, 60 + (i * 200)));
                mappings[i] = dma.Map(frames[i], DmaDirection.ToDevice);
                Ring.Post(ring.Span, i, mappings[i].Address, frames[i].Length);
            }

            for (var i = 0; i < Entries; i++)
            {
                Data.Same(Data.Of(i + round, 60 + (i * 200)), hw.Transmit(ring.Address, i));
                Assert.True(Ring.IsDone(ring.Span, i));
                mappings[i].Unmap();
                board.Free(frames[i]);
            }
        }
    }

    public static void A_ring_receives_into_buffers_that_go_up_and_are_replaced(Board board)
    {
        var (dma, hw) = board.A;
        using var ring = dma.Allocate(Entries * Ring.Size);
        var (buffers, mappings) = (new MemoryBlock[Entries], new DmaMapping[Entries]);
        for (var i = 0; i < Entries; i++)
            Refill(i);
        for (var frame = 0; frame < 20; frame++)
        {
            var i = frame % Entries;
            hw.Receive(ring.Address, i, Data.Of(frame, 1500 - frame));
            Assert.True(Ring.IsDone(ring.Span, i));
            mappings[i].Unmap();
            Data.Same(Data.Of(frame, 1500 - frame), buffers[i].Slice(0, Ring.LengthOf(ring.Span, i)).Span);
            board.Free(buffers[i]);
            Refill(i);
        }

        for (var i = 0; i < Entries; i++)
        {
            mappings[i].Unmap();
            board.Free(buffers[i]);
        }

        void Refill(int i)
        {
            buffers[i] = board.Take(2048);
            mappings[i] = dma.Map(buffers[i], DmaDirection.FromDevice);
            Ring.Post(ring.Span, i, mappings[i].Address, 2048);
        }
    }

    /// <summary>Small frames are copied out, and the buffer stays where it is.</summary>
    public static void Copybreak(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(2048);
        var mapping = dma.Map(buffer, DmaDirection.FromDevice);
        for (var frame = 0; frame < 5; frame++)
        {
            hw.Write(mapping.Address, Data.Of(frame, 128));
            mapping.SyncForCpu(0, 128);
            var copy = buffer.Slice(0, 128).Span.ToArray();
            mapping.SyncForDevice(0, 128);
            Data.Same(Data.Of(frame, 128), copy);
        }

        mapping.Unmap();
        board.Free(buffer);
    }

    /// <summary>Pages stay mapped while they go round: up the stack and back.</summary>
    public static void A_page_pool(Board board)
    {
        var (dma, hw) = board.A;
        var pages = Enumerable.Range(0, 4).Select(_ => board.Take(4096)).ToArray();
        var mappings = pages.Select(page => dma.Map(page, DmaDirection.FromDevice, DmaAttributes.SkipCpuSync)).ToArray();
        for (var frame = 0; frame < 12; frame++)
        {
            var (page, mapping, length) = (pages[frame % 4], mappings[frame % 4], 64 * (frame + 1));
            mapping.SyncForDevice(0, 2048); // to the device: the most that it may write
            hw.Write(mapping.Address, Data.Of(frame, length));
            mapping.SyncForCpu(0, (ulong)length);
            Data.Same(Data.Of(frame, length), page.Slice(0, length).Span);
        }

        foreach (var mapping in mappings)
            mapping.Unmap(DmaAttributes.SkipCpuSync);
        board.Free(pages);
    }

    public static void Two_buffers_share_a_page_and_take_turns(Board board)
    {
        var (dma, hw) = board.A;
        var page = board.Take(4096);
        var mapping = dma.Map(page, DmaDirection.FromDevice);
        for (var frame = 0; frame < 6; frame++)
        {
            var half = (frame & 1) * 2048;
            hw.Write(mapping.Address + (ulong)half, Data.Of(frame, 1514));
            mapping.SyncForCpu((ulong)half, 1536);
            Data.Same(Data.Of(frame, 1514), page.Slice(half, 1514).Span);
            mapping.SyncForDevice((ulong)half, 1536);
        }

        mapping.Unmap();
        board.Free(page);
    }

    /// <summary>What other checkers complain of: the half that comes next is given to the device, and no other.</summary>
    public static void Halves_of_a_page_without_a_sync_of_the_map(Board board)
    {
        var (dma, hw) = board.A;
        var page = board.Take(4096);
        var mapping = dma.Map(page, DmaDirection.FromDevice, DmaAttributes.SkipCpuSync);
        mapping.SyncForDevice(0, 2048);
        for (var frame = 0; frame < 6; frame++)
        {
            var half = (frame & 1) * 2048;
            hw.Write(mapping.Address + (ulong)half, Data.Of(frame, 1500));
            mapping.SyncForCpu((ulong)half, 1500);
            Data.Same(Data.Of(frame, 1500), page.Slice(half, 1500).Span);
            mapping.SyncForDevice((ulong)(2048 - half), 2048);
        }

        mapping.Unmap(DmaAttributes.SkipCpuSync);
        board.Free(page);
    }

    /// <summary>Likewise: one frame in two queues of one card and in a queue of another at once.</summary>
    public static void A_broadcast(Board board)
    {
        var frame = board.Take(Data.Of(7, 512));
        var mappings = new[]
        {
            board.A.Dma.Map(frame, DmaDirection.ToDevice), board.A.Dma.Map(frame, DmaDirection.ToDevice),
            board.B.Dma.Map(frame, DmaDirection.ToDevice),
        };
        Data.Same(Data.Of(7, 512), board.A.Hw.Read(mappings[0].Address, 512));
        Data.Same(Data.Of(7, 512), board.A.Hw.Read(mappings[1].Address, 512));
        Data.Same(Data.Of(7, 512), board.B.Hw.Read(mappings[2].Address, 512));
        foreach (var mapping in mappings)
            mapping.Unmap();
        board.Free(frame);
    }

    public static void A_frame_is_sent_back_from_the_page_it_came_in(Board board)
    {
        const int Headroom = 256;
        var (dma, hw) = board.A;
        var page = board.Take(4096);
        var mapping = dma.Map(page, DmaDirection.Bidirectional);
        for (var frame = 0; frame < 4; frame++)
        {
            hw.Write(mapping.Address + Headroom, Data.Of(frame, 1024));
            mapping.SyncForCpu(Headroom, 1024);
            var bytes = page.Slice(Headroom, 1024).Span;
            Data.Same(Data.Of(frame, 1024), bytes);
            bytes[..12].Reverse(); // the addresses change places
            mapping.SyncForDevice(Headroom, 1024);
            var expected = Data.Of(frame, 1024);
            expected.AsSpan(0, 12).Reverse();
            Data.Same(expected, hw.Read(mapping.Address + Headroom, 1024));
        }

        mapping.Unmap();
        board.Free(page);
    }

    public static void A_header_is_pushed_into_the_headroom(Board board)
    {
        var (dma, hw) = board.A;
        var page = board.Take(4096);
        using (var received = dma.MapPage(page, 256, 1536, DmaDirection.FromDevice))
            hw.Write(received.Address, Data.Of(3, 1536));
        Data.Of(9, 64).CopyTo(page.Slice(192, 64).Span);
        using (var sent = dma.MapPage(page, 192, 1600, DmaDirection.ToDevice))
            Data.Same([.. Data.Of(9, 64), .. Data.Of(3, 1536)], hw.Read(sent.Address, 1600));
        board.Free(page);
    }

    public static void A_frame_in_fragments(Board board)
    {
        var (dma, hw) = board.A;
        var head = board.Take(Data.Of(0, 128));
        var pages = new[] { board.Take(Data.Of(1, 4096)), board.Take(Data.Of(2, 4096)) };
        var mappings = new List<DmaMapping>
        {
            dma.Map(head, DmaDirection.ToDevice),
            dma.MapPage(pages[0], 512, 3000, DmaDirection.ToDevice),
            dma.MapPage(pages[1], 0, 1000, DmaDirection.ToDevice),
        };
        byte[] sent = [.. mappings.SelectMany(mapping => hw.Read(mapping.Address, (int)mapping.Length))];
        Data.Same([.. Data.Of(0, 128), .. Data.Of(1, 4096)[512..3512], .. Data.Of(2, 4096)[..1000]], sent);
        foreach (var mapping in mappings)
            mapping.Unmap();
        board.Free(head, pages[0], pages[1]);
    }

    public static void The_last_fragment_cannot_be_mapped_and_the_others_go(Board board)
    {
        var (dma, hw) = board.A;
        var blocks = new[] { board.Take(Data.Of(1, 1000)), board.Take(Data.Of(2, 1000)), board.Take(64) };
        var made = new Stack<DmaMapping>();
        foreach (var piece in (ReadOnlySpan<MemoryBlock>)[blocks[0], blocks[1], blocks[2].Slice(0, 0)])
        {
            if (dma.TryMap(piece, DmaDirection.ToDevice, out var mapping) != Status.Ok)
                break;
            made.Push(mapping);
        }

        Assert.Equal(2, made.Count);
        while (made.TryPop(out var mapping))
            mapping.Unmap();
        board.Free(blocks);
        Assert.Equal(0, hw.Failures);
    }

    public static void A_jumbo_frame_over_three_pages(Board board)
    {
        var (dma, hw) = board.A;
        MemoryBlock[] pages = [board.Take(4096), board.Take(4096), board.Take(4096)];
        var table = new ScatterTable(3);
        for (var frame = 0; frame < 3; frame++)
        {
            table.Map(dma, pages, DmaDirection.FromDevice);
            hw.Write(table.Segments, Data.Of(frame, 9000));
            table.Unmap();
            byte[] seen = [.. pages[0].Span, .. pages[1].Span, .. pages[2].Slice(0, 9000 - 8192).Span];
            Data.Same(Data.Of(frame, 9000), seen);
        }

        board.Free(pages);
    }

    public static void Headers_go_into_a_coherent_ring_and_payload_into_pages(Board board)
    {
        var (dma, hw) = board.A;
        using var headers = dma.Allocate(Entries * 128);
        var page = board.Take(4096);
        for (var i = 0; i < Entries; i++)
        {
            using var payload = dma.Map(page, DmaDirection.FromDevice);
            hw.Write(headers.Address + (ulong)(i * 128), Data.Of(i, 66));
            hw.Write(payload.Address, Data.Of(i + 1, 1448));
            Data.Same(Data.Of(i, 66), headers.Span.Slice(i * 128, 66));
            payload.SyncForCpu(0, 1448);
            Data.Same(Data.Of(i + 1, 1448), page.Slice(0, 1448).Span);
            payload.SyncForDevice(0, 1448);
        }

        board.Free(page);
    }

    public static void Small_frames_are_copied_into_a_coherent_buffer(Board board)
    {
        var (dma, hw) = board.A;
        using var slots = dma.Allocate(Entries * 256);
        using var ring = dma.Allocate(Entries * Ring.Size);
        for (var frame = 0; frame < 20; frame++)
        {
            var i = frame % Entries;
            Data.Of(frame, 100).CopyTo(slots.Span[(i * 256)..]);
            Ring.Post(ring.Span, i, slots.Address + (ulong)(i * 256), 100);
            Data.Same(Data.Of(frame, 100), hw.Transmit(ring.Address, i));
        }
    }

    public static void One_mapped_payload_is_sent_in_segments_with_headers_of_their_own(Board board)
    {
        var (dma, hw) = board.A;
        using var headers = dma.AllocateWriteCombined(4 * 64);
        var payload = board.Take(Data.Of(5, 4 * 1448));
        using (var mapping = dma.Map(payload, DmaDirection.ToDevice))
        {
            for (var i = 0; i < 4; i++)
            {
                Data.Of(i, 54).CopyTo(headers.Span[(i * 64)..]);
                Data.Same(Data.Of(i, 54), hw.Read(headers.Address + (ulong)(i * 64), 54));
                Data.Same(Data.Of(5, 4 * 1448).AsSpan(i * 1448, 1448), hw.Read(mapping.Address + (ulong)(i * 1448), 1448));
            }
        }

        board.Free(payload);
    }

    /// <summary>The header says that the frame is not for us.</summary>
    public static void A_frame_is_dropped_by_its_header(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(2048);
        var mapping = dma.Map(buffer, DmaDirection.FromDevice);
        for (var frame = 0; frame < 3; frame++)
        {
            hw.Write(mapping.Address, Data.Of(frame, 1514));
            mapping.SyncForCpu(0, 64);
            Data.Same(Data.Of(frame, 64), buffer.Slice(0, 64).Span);
            mapping.SyncForDevice();
        }

        mapping.Unmap();
        board.Free(buffer);
    }

    public static void A_frame_is_short_and_only_its_bytes_are_looked_at(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(2048);
        for (var frame = 0; frame < 3; frame++)
        {
            var mapping = dma.Map(buffer, DmaDirection.FromDevice);
            hw.Write(mapping.Address, Data.Of(frame, 300));
            mapping.SyncForCpu(0, 300);
            Data.Same(Data.Of(frame, 300), buffer.Slice(0, 300).Span);
            mapping.Unmap(DmaAttributes.SkipCpuSync);
        }

        board.Free(buffer);
    }

    public static void A_bad_frame_is_dropped_unseen_and_its_page_used_for_something_else(Board board)
    {
        var (dma, hw) = board.A;
        var page = board.Take(4096);
        var mapping = dma.Map(page, DmaDirection.FromDevice);
        hw.Write(mapping.Address, Data.Of(1, 1514));
        mapping.Unmap(DmaAttributes.SkipCpuSync);
        page.Span.Clear();
        Data.Of(2, 200).CopyTo(page.Span);
        using (var sent = dma.Map(page.Slice(0, 200), DmaDirection.ToDevice))
            Data.Same(Data.Of(2, 200), hw.Read(sent.Address, 200));
        board.Free(page);
    }

    public static void Four_queues(Board board)
    {
        var (dma, hw) = board.A;
        var rings = Enumerable.Range(0, 4).Select(_ => dma.Allocate(Entries * Ring.Size)).ToArray();
        var buffers = rings.Select(_ => board.Take(2048)).ToArray();
        for (var round = 0; round < 3; round++)
        {
            var mappings = buffers.Select(buffer => dma.Map(buffer, DmaDirection.FromDevice)).ToArray();
            for (var queue = 0; queue < 4; queue++)
                Ring.Post(rings[queue].Span, round, mappings[queue].Address, 2048);
            for (var queue = 3; queue >= 0; queue--)
                hw.Receive(rings[queue].Address, round, Data.Of(queue + round, 700));
            for (var queue = 0; queue < 4; queue++)
            {
                mappings[queue].Unmap();
                Data.Same(Data.Of(queue + round, 700), buffers[queue].Slice(0, 700).Span);
            }
        }

        foreach (var ring in rings)
            ring.Dispose();
        board.Free(buffers);
    }

    public static void The_watchdog_resets_a_ring_that_hangs(Board board)
    {
        var (dma, hw) = board.A;
        using var ring = dma.Allocate(Entries * Ring.Size);
        var frame = board.Take(Data.Of(4, 500));
        var mapping = dma.Map(frame, DmaDirection.ToDevice);
        Ring.Post(ring.Span, 0, mapping.Address, 500);
        Assert.False(Ring.IsDone(ring.Span, 0)); // nothing came: the device is stopped
        hw.SetReset(true);
        mapping.Unmap();
        ring.Span.Clear();
        hw.SetReset(false);
        mapping = dma.Map(frame, DmaDirection.ToDevice);
        Ring.Post(ring.Span, 0, mapping.Address, 500);
        Data.Same(Data.Of(4, 500), hw.Transmit(ring.Address, 0));
        mapping.Unmap();
        board.Free(frame);
    }

    public static void A_loopback_test(Board board)
    {
        var (dma, hw) = board.A;
        var (sent, received) = (board.Take(Data.Of(6, 1000)), board.Take(1000));
        using (var from = dma.Map(sent, DmaDirection.ToDevice))
        using (var to = dma.Map(received, DmaDirection.FromDevice))
            hw.Transform(from.Address, to.Address, 1000, 0);
        Data.Same(sent.Span, received.Span);
        board.Free(sent, received);
    }

    public static void A_short_frame_is_padded_before_it_is_mapped(Board board)
    {
        var (dma, hw) = board.A;
        var frame = board.Take(64);
        Data.Of(1, 42).CopyTo(frame.Span);
        frame.Slice(42, 18).Span.Clear();
        using (var mapping = dma.Map(frame.Slice(0, 60), DmaDirection.ToDevice))
            Data.Same([.. Data.Of(1, 42), .. new byte[18]], hw.Read(mapping.Address, 60));
        board.Free(frame);
    }

    public static void Counters_are_written_by_the_device_now_and_then(Board board)
    {
        var (dma, hw) = board.A;
        using var counters = dma.Allocate(128);
        for (var i = 0; i < 5; i++)
        {
            hw.Write(counters.Address, Data.Of(i, 128));
            Data.Same(Data.Of(i, 128), counters.Span);
        }
    }

    /// <summary>One large area stays mapped; frames lie in chunks of it, known by their device addresses.</summary>
    public static void A_user_s_area_in_chunks(Board board)
    {
        var (dma, hw) = board.A;
        using var area = dma.AllocatePages(64 << 10, DmaDirection.Bidirectional);
        for (var frame = 0; frame < 24; frame++)
        {
            var offset = (frame * 5 % 16 * 4096) + 256;
            var at = area.Mapping.Address + (ulong)offset;
            hw.Write(at, Data.Of(frame, 900));
            dma.SyncForCpu(at, 900, DmaDirection.Bidirectional);
            var bytes = area.Memory.Slice(offset, 900).Span;
            Data.Same(Data.Of(frame, 900), bytes);
            bytes[0]++;
            dma.SyncForDevice(at, 900, DmaDirection.Bidirectional);
            Assert.Equal((byte)(Data.Of(frame, 900)[0] + 1), hw.Read(at, 900)[0]);
        }
    }

    public static void Small_buffers_that_say_that_they_share_lines(Board board)
    {
        var (dma, hw) = board.A;
        var page = board.Take(256);
        var mappings = Enumerable.Range(0, 8)
            .Select(i => dma.Map(page.Slice(i * 32, 32), DmaDirection.FromDevice, DmaAttributes.DebuggingIgnoreCachelines)).ToArray();
        for (var i = 0; i < 8; i++)
            hw.Write(mappings[i].Address, Data.Of(i, 32));
        foreach (var mapping in mappings)
            mapping.Unmap();
        for (var i = 0; i < 8; i++)
            Data.Same(Data.Of(i, 32), page.Slice(i * 32, 32).Span);
        board.Free(page);
    }
}
