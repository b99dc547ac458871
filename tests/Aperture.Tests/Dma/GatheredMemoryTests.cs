using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Memory;

namespace Aperture.Tests.Dma;

/// <summary>Coherent memory behind an IOMMU while memory is in pieces of a page.</summary>
public class GatheredMemoryTests
{
    private const int Bytes = 0x20345;

    [Theory]
    [InlineData("iommu", false)]
    [InlineData("iommu", true)]
    [InlineData("iommu-noncoherent", false)]
    [InlineData("iommu-noncoherent-chaos", true)]
    [InlineData("iommu-snooping", false)]
    [InlineData("iommu-deferred", false)]
    [InlineData("untrusted", false)]
    public void Coherent_memory_behind_an_IOMMU_had_to_be_one_piece(string path, bool isWriteCombined)
    {
        using var rig = DmaRig.Make(path, bytes: 1 << 20, chaos: 5);
        var free = Fragment(rig);
        for (var turn = 0; turn < 3; turn++) // what comes back is whole again, and zero
        {
            using var buffer = isWriteCombined ? rig.Dma.AllocateWriteCombined(Bytes) : rig.Dma.Allocate(Bytes);
            Assert.Equal(0x21, buffer.Pieces.Count);
            Assert.Equal((Bytes, default), (buffer.Length, buffer.Memory.Address));
            Assert.Equal(-1, buffer.Span.IndexOfAnyExcept((byte)0));
            var random = new Random(turn);
            var sent = new byte[Bytes];
            random.NextBytes(sent);
            sent.CopyTo(buffer.Span);
            var seen = new byte[Bytes];
            rig.Read(buffer.Address, seen);
            Assert.Equal(sent, seen);
            random.NextBytes(sent);
            rig.Write(buffer.Address, sent);
            Assert.True(buffer.Span.SequenceEqual(sent));
            for (var i = 0; i < buffer.Pieces.Count; i++)
            {
                Assert.True(rig.Domain.TryTranslate(buffer.Address + ((ulong)i << 12), out var physical));
                Assert.Equal(buffer.Pieces[i].Address, physical);
            }
        }

        Assert.Equal(free, rig.Memory.FreePages);
        Assert.Equal(0, rig.Domain.Count);
        using var page = rig.Dma.AllocatePages(0x1000, DmaDirection.ToDevice);
        Assert.Equal(-1, page.Span.IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void Whoever_asks_for_one_piece_gets_none_from_pieces()
    {
        using var rig = DmaRig.Make("iommu", bytes: 1 << 20);
        using (var whole = rig.Dma.Allocate(Bytes, DmaAttributes.ForceContiguous))
            Assert.Single(whole.Pieces);
        var free = Fragment(rig);
        var refusal = Assert.Throws<ApertureException>(() => rig.Dma.Allocate(Bytes, DmaAttributes.ForceContiguous));
        Assert.Equal(Status.NoMemory, refusal.Status);
        Assert.EndsWith("the largest piece 0x1000; without ForceContiguous it could be gathered from pieces", refusal.Message,
            StringComparison.Ordinal);
        Assert.Throws<ApertureException>(() => rig.Dma.Allocate((int)(free + 1) << 12));
        Assert.Equal(free, rig.Memory.FreePages);
    }

    [Fact]
    public void Pieces_without_a_view_need_no_host_that_can_join_them()
    {
        using var rig = DmaRig.Make("iommu-noncoherent", bytes: 1 << 20);
        var free = Fragment(rig);
        using (var buffer = rig.Dma.Allocate(Bytes, DmaAttributes.NoKernelMapping))
        {
            Assert.Equal((0x21, Bytes), (buffer.Pieces.Count, buffer.Length));
            Assert.Throws<ApertureException>(() => buffer.Span.Length);
            rig.Write(buffer.Address + (Bytes - 1), new byte[] { 1 });
        }

        Assert.Equal(free, rig.Memory.FreePages);
    }

    [Fact]
    public void A_late_look_at_gathered_memory_harms_nobody()
    {
        using var rig = DmaRig.Make("iommu", bytes: 1 << 20);
        Fragment(rig);
        var buffer = rig.Dma.Allocate(Bytes);
        var view = buffer.Span;
        buffer.Dispose();
        view.Fill(1);
        using var next = rig.Dma.Allocate(Bytes);
        Assert.Equal(-1, next.Span.IndexOfAnyExcept((byte)0));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(9)]
    public void Whatever_fails_on_the_way_nothing_is_left(int step)
    {
        using var rig = DmaRig.Make("iommu-noncoherent", bytes: 1 << 20);
        var free = Fragment(rig);
        rig.Domain.FailAfter = step;
        Assert.Equal(Status.NoMemory, Assert.Throws<ApertureException>(() => rig.Dma.Allocate(Bytes)).Status);
        rig.Domain.FailAfter = -1;
        Assert.Equal((free, 0), (rig.Memory.FreePages, rig.Domain.Count));
        rig.Dma.Allocate(Bytes).Dispose();
    }

    /// <summary>Takes every second page, for good.</summary>
    private static ulong Fragment(DmaRig rig)
    {
        var pages = new List<MemoryBlock>();
        while (rig.Memory.TryAllocate(4096, new PhysicalAddress(ulong.MaxValue), out var page))
            pages.Add(page);
        for (var i = 0; i < pages.Count; i += 2)
            rig.Memory.Free(pages[i]);
        return rig.Memory.FreePages;
    }
}
