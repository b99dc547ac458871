using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Foreign.Tests.Bench;

namespace Aperture.Foreign.Tests.Correct;

/// <summary>Ciphers, digests and random numbers.</summary>
internal static class Crypto
{
    private const byte Key = 0x5A;

    public static void In_place(Board board)
    {
        var (dma, hw) = board.A;
        var text = board.Take(Data.Of(1, 3000));
        using (var mapping = dma.Map(text, DmaDirection.Bidirectional))
            hw.Transform(mapping.Address, mapping.Address, 3000, Key);
        Data.Same(Array.ConvertAll(Data.Of(1, 3000), value => (byte)(value ^ Key)), text.Span);
        board.Free(text);
    }

    public static void From_one_list_to_another(Board board)
    {
        var (dma, hw) = board.A;
        MemoryBlock[] source = [board.Take(Data.Of(1, 1024)), board.Take(Data.Of(2, 2048))];
        MemoryBlock[] result = [board.Take(2048), board.Take(1024)];
        Span<DmaSegment> from = stackalloc DmaSegment[2], to = stackalloc DmaSegment[2];
        using (var read = dma.MapScatter(source, from, DmaDirection.ToDevice))
        using (var written = dma.MapScatter(result, to, DmaDirection.FromDevice))
            hw.Write(written.Segments, hw.Read(read.Segments));
        Data.Same([.. source[0].Span, .. source[1].Span], [.. result[0].Span, .. result[1].Span]);
        board.Free([.. source, .. result]);
    }

    public static void A_digest_in_lines_of_its_own_beside_the_context(Board board)
    {
        var (dma, hw) = board.A;
        var line = Math.Max(64, dma.CacheAlignment);
        var context = board.Take(4 * line);
        var (digest, state) = (context.Slice(2 * line, line), context.Slice(0, 40));
        for (var i = 0; i < 3; i++)
        {
            using (var mapping = dma.Map(digest, DmaDirection.FromDevice))
            {
                state.Span.Fill((byte)i); // the driver counts while the device works
                hw.Write(mapping.Address, Data.Of(i, 32));
            }

            Data.Same(Data.Of(i, 32), digest.Slice(0, 32).Span);
            Assert.Equal(i, state.Span[39]);
        }

        board.Free(context);
    }

    public static void A_hash_that_is_fed_in_parts(Board board)
    {
        var (dma, hw) = board.A;
        var block = board.Take(256);
        var sum = 0;
        for (var i = 0; i < 4; i++)
        {
            Data.Of(i, 256).CopyTo(block.Span);
            using var mapping = dma.Map(block, DmaDirection.ToDevice);
            sum += hw.Read(mapping.Address, 256).Sum(value => value);
        }

        Assert.Equal(Enumerable.Range(0, 4).SelectMany(i => Data.Of(i, 256)).Sum(value => value), sum);
        board.Free(block);
    }

    public static void A_tag_behind_the_text(Board board)
    {
        var (dma, hw) = board.A;
        MemoryBlock[] pieces = [board.Take(Data.Of(1, 512)), board.Take(64)];
        Span<DmaSegment> places = stackalloc DmaSegment[2];
        using (var list = dma.MapScatter(pieces, places, DmaDirection.Bidirectional))
        {
            var text = hw.Read(list.Segments);
            hw.Write(list.Segments, [.. text[..512], .. Data.Of(8, 16)]);
        }

        Data.Same(Data.Of(1, 512), pieces[0].Span);
        Data.Same(Data.Of(8, 16), pieces[1].Slice(0, 16).Span);
        board.Free(pieces);
    }

    public static void Keys_in_blocks_that_are_wiped(Board board)
    {
        var (dma, hw) = board.A;
        using var keys = new CoherentBlocks(dma, 32, alignment: 32);
        for (var i = 0; i < 6; i++)
        {
            using var key = keys.Allocate();
            Data.Of(i, 32).CopyTo(key.Span);
            Data.Same(Data.Of(i, 32), hw.Read(key.Address, 32));
            key.Span.Clear();
        }
    }

    public static void Requests_wait_in_a_backlog(Board board)
    {
        var (dma, hw) = board.A;
        var texts = Enumerable.Range(0, 6).Select(i => board.Take(Data.Of(i, 700))).ToArray();
        var running = new Queue<(int Index, DmaMapping Mapping)>();
        for (var i = 0; i < 6; i++)
        {
            if (running.Count == 2)
                Finish();
            running.Enqueue((i, dma.Map(texts[i], DmaDirection.Bidirectional)));
        }

        while (running.Count > 0)
            Finish();
        board.Free(texts);

        void Finish()
        {
            var (index, mapping) = running.Dequeue();
            hw.Transform(mapping.Address, mapping.Address, 700, Key);
            mapping.Unmap();
            Assert.Equal((byte)(Data.Of(index, 700)[3] ^ Key), texts[index].Span[3]);
        }
    }

    public static void A_digest_into_managed_memory(Board board)
    {
        var (dma, hw) = board.A;
        var digest = new byte[32];
        for (var i = 0; i < 3; i++)
        {
            using (var mapping = dma.MapManaged(digest, DmaDirection.FromDevice))
                hw.Write(mapping.Mapping.Address, Data.Of(i, 32));
            Data.Same(Data.Of(i, 32), digest);
        }
    }

    public static void Random_bytes_are_taken_in_portions(Board board)
    {
        var (dma, hw) = board.A;
        var pool = board.Take(1024);
        var mapping = dma.Map(pool, DmaDirection.FromDevice);
        for (var round = 0; round < 2; round++)
        {
            hw.Write(mapping.Address, Data.Of(round, 1024));
            for (var at = 0; at < 1024; at += 256)
            {
                mapping.SyncForCpu((ulong)at, 256);
                Data.Same(Data.Of(round, 1024).AsSpan(at, 256), pool.Slice(at, 256).Span);
            }

            mapping.SyncForDevice();
        }

        mapping.Unmap();
        board.Free(pool);
    }

    public static void A_vector_that_the_device_updates_between_blocks(Board board)
    {
        var (dma, hw) = board.A;
        using var vector = dma.Allocate(16);
        var text = board.Take(Data.Of(1, 64));
        Data.Of(4, 16).CopyTo(vector.Span);
        for (var i = 0; i < 3; i++)
        {
            using var mapping = dma.Map(text, DmaDirection.Bidirectional);
            var before = hw.Read(vector.Address, 16);
            Data.Same(vector.Span, before);
            hw.Transform(mapping.Address, mapping.Address, 64, before[0]);
            hw.Write(vector.Address, Data.Of(i, 16));
        }

        Data.Same(Data.Of(2, 16), vector.Span);
        board.Free(text);
    }
}
