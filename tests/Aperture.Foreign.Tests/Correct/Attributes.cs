using Aperture.Dma;
using Aperture.Dma.Sanitizer;
using Aperture.Foreign.Tests.Bench;

namespace Aperture.Foreign.Tests.Correct;

/// <summary>Wishes, limits, and parts.</summary>
internal static class Attributes
{
    public static void The_driver_does_all_syncs_itself(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(4096);
        var mapping = dma.Map(buffer, DmaDirection.Bidirectional, DmaAttributes.SkipCpuSync);
        Data.Of(1, 512).CopyTo(buffer.Slice(0, 512).Span); // still the CPU's
        mapping.SyncForDevice();
        Data.Same(Data.Of(1, 512), hw.Read(mapping.Address, 512));
        hw.Write(mapping.Address + 1024, Data.Of(2, 1024));
        mapping.SyncForCpu(1024, 1024);
        Data.Same(Data.Of(2, 1024), buffer.Slice(1024, 1024).Span);
        mapping.Unmap(DmaAttributes.SkipCpuSync);
        board.Free(buffer);
    }

    public static void A_map_without_sync_whose_end_brings_all(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(4096);
        using (var mapping = dma.Map(buffer, DmaDirection.FromDevice, DmaAttributes.SkipCpuSync))
        {
            mapping.SyncForDevice();
            hw.Write(mapping.Address, Data.Of(3, 4096));
        }

        Data.Same(Data.Of(3, 4096), buffer.Span);
        board.Free(buffer);
    }

    public static void Parts_are_given_to_the_device_one_by_one(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(4096);
        var mapping = dma.Map(buffer, DmaDirection.ToDevice, DmaAttributes.SkipCpuSync);
        for (var at = 0; at < 4096; at += 1024)
        {
            Data.Of(at, 1024).CopyTo(buffer.Slice(at, 1024).Span);
            mapping.SyncForDevice((ulong)at, 1024);
            Data.Same(Data.Of(at, 1024), hw.Read(mapping.Address + (ulong)at, 1024));
        }

        mapping.Unmap(DmaAttributes.SkipCpuSync);
        board.Free(buffer);
    }

    [On(Ways.DirectSnooping | Ways.IommuSnooping)]
    public static void Both_sides_at_any_time_where_nothing_needs_syncs(Board board)
    {
        var (dma, hw) = board.A;
        var queue = board.Take(4096);
        var mapping = dma.Map(queue, DmaDirection.Bidirectional, DmaAttributes.RequireCoherent);
        for (var i = 0; i < 4; i++)
        {
            Data.Of(i, 64).CopyTo(queue.Slice(0, 64).Span);
            Data.Same(Data.Of(i, 64), hw.Read(mapping.Address, 64));
            hw.Write(mapping.Address + 64, Data.Of(i + 9, 64));
            Data.Same(Data.Of(i + 9, 64), queue.Slice(64, 64).Span);
        }

        mapping.Unmap();
        board.Free(queue);
    }

    public static void Low_bits_of_addresses_are_kept(Board board)
    {
        var (dma, hw) = board.A;
        dma.SetMinAlignMask(0xFFF);
        var page = board.Take(Data.Of(1, 4096));
        using (var mapping = dma.Map(page.Slice(0x340, 0x800), DmaDirection.ToDevice))
        {
            Assert.Equal(0x340u, mapping.Address.Value & 0xFFF);
            Data.Same(Data.Of(1, 4096).AsSpan(0x340, 0x800), hw.Read(mapping.Address, 0x800));
        }

        board.Free(page);
    }

    public static void The_driver_asks_whether_syncs_are_needed(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(1024);
        var mapping = dma.Map(buffer, DmaDirection.FromDevice);
        for (var i = 0; i < 3; i++)
        {
            hw.Write(mapping.Address, Data.Of(i, 1024));
            if (mapping.NeedsSync)
                mapping.SyncForCpu();
            Data.Same(Data.Of(i, 1024), buffer.Span);
            if (dma.NeedsSync(mapping.Address))
                mapping.SyncForDevice();
        }

        mapping.Unmap();
        board.Free(buffer);
    }

    public static void Sub_page_buffers_in_lines_of_their_own(Board board)
    {
        var (dma, hw) = board.A;
        var line = Math.Max(64, dma.CacheAlignment);
        var slab = board.Take(32 * line);
        var mappings = Enumerable.Range(0, 32)
            .Select(i => dma.Map(slab.Slice(i * line, line), (i & 1) == 0 ? DmaDirection.FromDevice : DmaDirection.ToDevice)).ToArray();
        for (var i = 0; i < 32; i += 2)
            hw.Write(mappings[i].Address, Data.Of(i, line));
        for (var i = 1; i < 32; i += 2)
            Data.Same(new byte[line], hw.Read(mappings[i].Address, line));
        foreach (var mapping in mappings)
            mapping.Unmap();
        for (var i = 0; i < 32; i += 2)
            Data.Same(Data.Of(i, line), slab.Slice(i * line, line).Span);
        board.Free(slab);
    }

    public static void Two_maps_of_one_buffer_that_the_device_only_reads(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(Data.Of(2, 2048));
        using (var whole = dma.Map(buffer, DmaDirection.ToDevice))
        using (var part = dma.Map(buffer.Slice(512, 512), DmaDirection.ToDevice))
        {
            Data.Same(Data.Of(2, 2048), hw.Read(whole.Address, 2048));
            Data.Same(Data.Of(2, 2048).AsSpan(512, 512), hw.Read(part.Address, 512));
        }

        board.Free(buffer);
    }

    public static void Who_knows_better_says_so(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(4096);
        var mapping = dma.Map(buffer, DmaDirection.FromDevice);
        hw.Write(mapping.Address, Data.Of(1, 4096));
        mapping.SyncForCpu(0, 1024);
        using (DmaSanitizer.Known(FindingKind.CpuReadBeforeSync))
            Data.Same(Data.Of(1, 1024), buffer.Span[..1024]);
        mapping.Unmap();
        board.Free(buffer);
    }

    public static void A_poll_for_the_last_word(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(1024);
        var mapping = dma.Map(buffer, DmaDirection.FromDevice);
        for (var polls = 0; ; polls++)
        {
            mapping.SyncForCpu(960, 64);
            var last = buffer.Slice(1020, 4).Span[3];
            if (last != 0)
                break;
            mapping.SyncForDevice(960, 64);
            if (polls == 2)
                hw.Write(mapping.Address, [.. Data.Of(1, 1020), 0, 0, 0, 1]);
        }

        mapping.Unmap();
        Data.Same(Data.Of(1, 1020), buffer.Slice(0, 1020).Span);
        board.Free(buffer);
    }

    public static void A_buffer_is_filled_by_two_transfers(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(2048);
        var mapping = dma.Map(buffer, DmaDirection.FromDevice);
        hw.Write(mapping.Address, Data.Of(1, 1024));
        mapping.SyncForCpu(0, 1024);
        Data.Same(Data.Of(1, 1024), buffer.Slice(0, 1024).Span);
        hw.Write(mapping.Address + 1024, Data.Of(2, 1024)); // the first half is the CPU's meanwhile
        mapping.SyncForCpu(1024, 1024);
        Data.Same(Data.Of(2, 1024), buffer.Slice(1024, 1024).Span);
        mapping.Unmap();
        board.Free(buffer);
    }

    public static void The_same_memory_goes_out_each_way_in_turn(Board board)
    {
        var (dma, hw) = board.A;
        var buffer = board.Take(1024);
        for (var i = 0; i < 6; i++)
        {
            if ((i & 1) == 0)
            {
                Data.Of(i, 1024).CopyTo(buffer.Span);
                using var to = dma.Map(buffer, DmaDirection.ToDevice);
                Data.Same(Data.Of(i, 1024), hw.Read(to.Address, 1024));
            }
            else
            {
                using (var from = dma.Map(buffer, DmaDirection.FromDevice))
                    hw.Write(from.Address, Data.Of(i, 1024));
                Data.Same(Data.Of(i, 1024), buffer.Span);
            }
        }

        board.Free(buffer);
    }

    public static void Memory_without_a_view_is_the_device_s_own(Board board)
    {
        var (dma, hw) = board.A;
        using var scratch = dma.Allocate(8192, DmaAttributes.NoKernelMapping);
        hw.Write(scratch.Address, Data.Of(1, 8192));
        Data.Same(Data.Of(1, 8192), hw.Read(scratch.Address, 8192));
    }

    public static void One_contiguous_piece(Board board)
    {
        var (dma, hw) = board.A;
        using var table = dma.Allocate(16 << 10, DmaAttributes.ForceContiguous);
        Data.Of(1, 16 << 10).CopyTo(table.Span);
        Data.Same(Data.Of(1, 16 << 10), hw.Read(table.Address, 16 << 10));
    }
}
