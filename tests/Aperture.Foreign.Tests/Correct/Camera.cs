using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Dma.Shared;
using Aperture.Foreign.Tests.Bench;

namespace Aperture.Foreign.Tests.Correct;

/// <summary>Cameras, scalers, codecs and displays.</summary>
internal static class Camera
{
    private const int Frame = 48 << 10;

    public static void A_queue_of_frames_that_stay_mapped(Board board)
    {
        var (dma, hw) = board.A;
        var frames = Enumerable.Range(0, 3).Select(_ => board.Take(Frame)).ToArray();
        var mappings = frames.Select(frame => dma.Map(frame, DmaDirection.FromDevice)).ToArray();
        for (var i = 0; i < 7; i++)
        {
            hw.Write(mappings[i % 3].Address, Data.Of(i, Frame));
            mappings[i % 3].SyncForCpu();
            Data.Same(Data.Of(i, Frame), frames[i % 3].Span);
            mappings[i % 3].SyncForDevice();
        }

        foreach (var mapping in mappings)
            mapping.Unmap();
        board.Free(frames);
    }

    public static void Frames_in_contiguous_memory(Board board)
    {
        var (dma, hw) = board.A;
        using var frame = dma.AllocatePages(Frame, DmaDirection.FromDevice);
        for (var i = 0; i < 3; i++)
        {
            hw.Write(frame.Mapping.Address, Data.Of(i, Frame));
            frame.Mapping.SyncForCpu();
            Data.Same(Data.Of(i, Frame), frame.Span);
            frame.Mapping.SyncForDevice();
        }
    }

    [On(Ways.All & ~(Ways.HighMemory | Ways.Copied))]
    public static void Frames_in_pieces(Board board)
    {
        var (dma, hw) = board.A;
        using var frame = dma.AllocateNoncontiguous(Frame, DmaDirection.FromDevice, DmaAttributes.AllocSinglePages);
        for (var i = 0; i < 3; i++)
        {
            hw.Write(frame.Address, Data.Of(i, Frame));
            frame.SyncForCpu();
            Data.Same(Data.Of(i, Frame), frame.Pieces.ToArray().SelectMany(piece => piece.Span.ToArray()).ToArray());
            frame.SyncForDevice();
        }
    }

    public static void A_picture_that_the_cpu_draws(Board board)
    {
        var (dma, hw) = board.A;
        using var picture = dma.AllocateWriteCombined(Frame);
        for (var i = 0; i < 3; i++)
        {
            Data.Of(i, Frame).CopyTo(picture.Span);
            Data.Same(Data.Of(i, Frame), hw.Read(picture.Address, Frame));
        }
    }

    public static void Two_planes_of_one_buffer_are_mapped_apart(Board board)
    {
        var (dma, hw) = board.A;
        var frame = board.Take(Frame);
        const int Luma = 32 << 10;
        using (var y = dma.Map(frame.Slice(0, Luma), DmaDirection.FromDevice))
        using (var uv = dma.Map(frame.Slice(Luma, Frame - Luma), DmaDirection.FromDevice))
        {
            hw.Write(uv.Address, Data.Of(2, Frame - Luma));
            hw.Write(y.Address, Data.Of(1, Luma));
        }

        Data.Same([.. Data.Of(1, Luma), .. Data.Of(2, Frame - Luma)], frame.Span);
        board.Free(frame);
    }

    public static void A_user_s_buffer_that_begins_inside_a_page(Board board)
    {
        var (dma, hw) = board.A;
        var user = board.Take(5 * 4096);
        MemoryBlock[] pieces = [user.Slice(640, 4096 - 640), user.Slice(4096, 8192), user.Slice(3 * 4096, 1024)];
        Span<DmaSegment> places = stackalloc DmaSegment[3];
        var length = 4096 - 640 + 8192 + 1024;
        using (var list = dma.MapScatter(pieces, places, DmaDirection.FromDevice))
            hw.Write(list.Segments, Data.Of(4, length));
        Data.Same(Data.Of(4, length), user.Slice(640, length).Span);
        board.Free(user);
    }

    public static void A_scaler_from_one_buffer_to_another(Board board)
    {
        var (dma, hw) = board.A;
        var (source, result) = (board.Take(Data.Of(1, 8192)), board.Take(8192));
        for (byte key = 1; key < 4; key++)
        {
            using (var from = dma.Map(source, DmaDirection.ToDevice))
            using (var to = dma.Map(result, DmaDirection.FromDevice))
                hw.Transform(from.Address, to.Address, 8192, key);
            Assert.Equal((byte)(Data.Of(1, 8192)[100] ^ key), result.Span[100]);
        }

        board.Free(source, result);
    }

    public static void Statistics_are_coherent_and_frames_are_not(Board board)
    {
        var (dma, hw) = board.A;
        using var statistics = dma.Allocate(512);
        var frame = board.Take(Frame);
        for (var i = 0; i < 3; i++)
        {
            using (var mapping = dma.Map(frame, DmaDirection.FromDevice))
            {
                hw.Write(mapping.Address, Data.Of(i, Frame));
                hw.Write(statistics.Address, Data.Of(i + 9, 512));
            }

            Data.Same(Data.Of(i + 9, 512), statistics.Span);
            Data.Same(Data.Of(i, Frame), frame.Span);
        }

        board.Free(frame);
    }

    public static void The_stream_is_stopped_with_frames_in_the_queue(Board board)
    {
        var (dma, hw) = board.A;
        var frames = new[] { board.Take(Frame), board.Take(Frame) };
        var mappings = frames.Select(frame => dma.Map(frame, DmaDirection.FromDevice)).ToArray();
        hw.Write(mappings[0].Address, Data.Of(1, 1000)); // a frame that does not get ready
        hw.SetReset(true);
        foreach (var mapping in mappings)
            mapping.Unmap(DmaAttributes.SkipCpuSync); // nobody wants them
        board.Free(frames);
        hw.SetReset(false);
    }

    public static void An_encoder_whose_output_has_an_unknown_length(Board board)
    {
        var (dma, hw) = board.A;
        var output = board.Take(16 << 10);
        var mapping = dma.Map(output, DmaDirection.FromDevice);
        for (var i = 1; i < 4; i++)
        {
            hw.Write(mapping.Address, [(byte)i, .. Data.Of(i, 1000 * i)]);
            mapping.SyncForCpu(0, 64);
            var used = (output.Slice(0, 1).Span[0] * 1000) + 1;
            mapping.SyncForCpu(64, (ulong)used - 64);
            Data.Same(Data.Of(i, 1000 * i), output.Slice(1, used - 1).Span);
            mapping.SyncForDevice(0, (ulong)used);
        }

        mapping.Unmap();
        board.Free(output);
    }

    public static void A_capture_goes_to_the_display_with_fences(Board board)
    {
        using var buffer = SharedBuffer.Allocate(board.Memory, 16 << 10);
        var (from, to) = (buffer.Attach(board.A.Device), buffer.Attach(board.B.Device));
        var shown = new List<byte[]>();
        for (var i = 0; i < 3; i++)
        {
            var turn = buffer.TryBegin(board.A.Device, DmaDirection.FromDevice)!;
            buffer.BeginAfterFences(board.B.Device, DmaDirection.ToDevice, display =>
            {
                shown.Add(board.B.Hw.Read(to, 16 << 10));
                display.Dispose();
            });
            board.A.Hw.Write(from, Data.Of(i, 16 << 10));
            turn.Dispose();
        }

        Assert.Equal(3, shown.Count);
        for (var i = 0; i < 3; i++)
            Data.Same(Data.Of(i, 16 << 10), shown[i]);
    }

    public static void Frames_as_a_process_sees_them(Board board)
    {
        var (dma, hw) = board.A;
        using var frames = dma.Allocate(2 * 8192);
        using (var view = frames.MapToUser(8192, 8192))
        {
            hw.Write(frames.Address + 8192, Data.Of(3, 8192));
            Data.Same(Data.Of(3, 8192), view.Span);
        }

        using var again = frames.MapToUser(0, 8192);
        again.Span.Fill(7);
        Assert.Equal(7, hw.Read(frames.Address, 1)[0]);
    }

    public static void Lines_of_a_frame_are_synced_as_they_come(Board board)
    {
        var (dma, hw) = board.A;
        var frame = board.Take(16 * 640);
        var mapping = dma.Map(frame, DmaDirection.FromDevice);
        for (var line = 0; line < 16; line++)
        {
            hw.Write(mapping.Address + (ulong)(line * 640), Data.Of(line, 640));
            mapping.SyncForCpu((ulong)(line * 640), 640);
            Data.Same(Data.Of(line, 640), frame.Slice(line * 640, 640).Span);
        }

        mapping.SyncForDevice();
        mapping.Unmap();
        board.Free(frame);
    }

    public static void A_reference_picture_is_read_while_the_next_is_written(Board board)
    {
        var (dma, hw) = board.A;
        var pictures = new[] { dma.AllocatePages(8192, DmaDirection.Bidirectional), dma.AllocatePages(8192, DmaDirection.Bidirectional) };
        hw.Write(pictures[0].Mapping.Address, Data.Of(1, 8192));
        for (var i = 0; i < 4; i++)
            hw.Transform(pictures[i & 1].Mapping.Address, pictures[(i + 1) & 1].Mapping.Address, 8192, 1);
        pictures[0].Mapping.SyncForCpu();
        Data.Same(Data.Of(1, 8192), pictures[0].Span);
        pictures[0].Dispose();
        pictures[1].Dispose();
    }
}
