using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Foreign.Tests.Bench;

namespace Aperture.Foreign.Tests.Correct;

/// <summary>Firmware and remote processors.</summary>
internal static class Firmware
{
    public static void An_image_is_loaded_at_once(Board board)
    {
        var (dma, hw) = board.A;
        var image = board.Take(Data.Of(1, 20_000));
        using (var mapping = dma.Map(image, DmaDirection.ToDevice))
        {
            board.A.Device.Registers[0].Write32(0, 1);
            Data.Same(Data.Of(1, 20_000), hw.Read(mapping.Address, 20_000));
        }

        board.Free(image);
    }

    public static void An_image_goes_through_one_coherent_window(Board board)
    {
        var (dma, hw) = board.A;
        using var window = dma.Allocate(4096);
        var image = Data.Of(2, 20_000);
        var loaded = new List<byte>();
        for (var at = 0; at < image.Length; at += 4096)
        {
            var part = image.AsSpan(at, Math.Min(4096, image.Length - at));
            part.CopyTo(window.Span);
            loaded.AddRange(hw.Read(window.Address, part.Length));
        }

        Data.Same(image, [.. loaded]);
    }

    [On(Ways.Chosen)]
    public static void An_image_at_the_address_it_was_linked_to(Board board)
    {
        var (dma, hw) = board.A;
        var image = board.Take(Data.Of(3, 8192));
        using (dma.MapAt(image, new Iova(0x1000_0000), DmaDirection.ToDevice))
            Data.Same(Data.Of(3, 8192), hw.Read(new Iova(0x1000_0000), 8192));
        board.Free(image);
    }

    public static void A_trace_that_is_read_while_it_is_written(Board board)
    {
        var (dma, hw) = board.A;
        using var trace = dma.Allocate(4096);
        for (var i = 0; i < 16; i++)
        {
            hw.Write(trace.Address + (ulong)(i * 256), Data.Of(i, 200));
            Data.Same(Data.Of(i, 200), trace.Span.Slice(i * 256, 200));
        }
    }

    public static void A_mailbox(Board board)
    {
        var (dma, hw) = board.A;
        using var box = dma.Allocate(2 * 64);
        for (var i = 0; i < 5; i++)
        {
            Data.Of(i, 64).CopyTo(box.Span);
            hw.Transform(box.Address, box.Address + 64, 64, 1);
            Assert.Equal((byte)(Data.Of(i, 64)[7] ^ 1), box.Span[64 + 7]);
        }
    }

    public static void A_dump_in_parts_into_pages_that_are_kept(Board board)
    {
        var (dma, hw) = board.A;
        var pages = new List<MemoryBlock>();
        for (var i = 0; i < 5; i++)
        {
            pages.Add(board.Take(4096));
            using var mapping = dma.Map(pages[^1], DmaDirection.FromDevice);
            hw.Write(mapping.Address, Data.Of(i, 4096));
        }

        Data.Same([.. Enumerable.Range(0, 5).SelectMany(i => Data.Of(i, 4096))], pages.SelectMany(page => page.Span.ToArray()).ToArray());
        board.Free([.. pages]);
    }

    public static void A_configuration_that_is_changed_now_and_then(Board board)
    {
        var (dma, hw) = board.A;
        var words = board.Take(Data.Of(0, 256));
        var mapping = dma.Map(words, DmaDirection.ToDevice);
        for (var i = 1; i < 5; i++)
        {
            mapping.SyncForCpu();
            Data.Of(i, 256).CopyTo(words.Span);
            mapping.SyncForDevice();
            Data.Same(Data.Of(i, 256), hw.Read(mapping.Address, 256));
        }

        mapping.Unmap();
        board.Free(words);
    }

    /// <summary>It reads the CPU's own bytes back: nobody but the CPU writes them.</summary>
    public static void The_cpu_reads_what_only_it_writes(Board board)
    {
        var (dma, hw) = board.A;
        var table = board.Take(Data.Of(5, 512));
        using (var mapping = dma.Map(table, DmaDirection.ToDevice))
        {
            Assert.Equal(Data.Of(5, 512)[100], table.Span[100]);
            Data.Same(Data.Of(5, 512), hw.Read(mapping.Address, 512));
            Data.Same(Data.Of(5, 512), table.Span);
        }

        board.Free(table);
    }

    public static void An_image_is_kept_for_the_next_boot(Board board)
    {
        var (dma, hw) = board.A;
        var image = board.Take(Data.Of(6, 4096));
        var mapping = dma.Map(image, DmaDirection.ToDevice);
        for (var boot = 0; boot < 3; boot++)
        {
            Data.Same(Data.Of(6, 4096), hw.Read(mapping.Address, 4096));
            hw.SetReset(true);
            hw.SetReset(false);
        }

        mapping.Unmap();
        board.Free(image);
    }
}
