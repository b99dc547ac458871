using Aperture.Dma;

namespace Aperture.GuestTests;

/// <summary>DMA both ways by the driver that also runs on simulated boards.</summary>
internal static class DmaTests
{
    public static void Coherent_memory_goes_there_and_back(Guest guest)
    {
        using var machine = Guest.Machine();
        var edu = guest.Open(machine);
        using var buffer = edu.Device.Dma.Allocate(8192);
        new Random(1).NextBytes(buffer.Span[..4000]);
        edu.Load(buffer.Address, 8, 4000);
        edu.Store(8, buffer.Address + 4096, 4000);
        Check.That(buffer.Span[..4000].SequenceEqual(buffer.Span.Slice(4096, 4000)));
        Check.That(edu.Interrupts >= 2);
    }

    public static void Pages_that_are_not_contiguous_are_one_range_for_the_device(Guest guest)
    {
        using var machine = Guest.Machine();
        var edu = guest.Open(machine);
        var dma = edu.Device.Dma;
        var blocks = Enumerable.Range(0, 5).Select(_ => dma.Memory.Allocate(4096)).ToArray();
        MemoryBlock[] pieces = [blocks[4], blocks[0], blocks[2]];
        var segments = new DmaSegment[3];
        byte[] before;
        using (var mapping = dma.MapScatter(pieces, segments, DmaDirection.Bidirectional))
        {
            Check.Equal(1, mapping.Segments.Length);
            new Random(2).NextBytes(pieces[0].Span);
            new Random(3).NextBytes(pieces[1].Span);
            before = Stitch(pieces, 3000, 2000);
            edu.Load(segments[0].Address + 3000, 0, 2000); // over the border of the first two
            edu.Store(0, segments[0].Address + 8000, 2000); // over that of the second and the third
        }

        // The device's own copy of what was at 3000 is now at 8000.
        Check.That(Stitch(pieces, 8000, 2000).SequenceEqual(before));
        Array.ForEach(blocks, block => dma.Memory.Free(block));
    }

    private static byte[] Stitch(MemoryBlock[] pieces, int start, int length) =>
        [.. pieces.SelectMany(piece => piece.Span.ToArray()).Skip(start).Take(length)];
}
