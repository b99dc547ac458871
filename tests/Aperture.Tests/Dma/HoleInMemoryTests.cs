using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Dma;

public sealed unsafe class HoleInMemoryTests
{
    /// <summary>A5: only both ends of a range were looked at. A mapping over a hole was made, and failed when its caches were
    /// maintained.</summary>
    [Theory]
    [InlineData("iommu-noncoherent")]
    [InlineData("direct-noncoherent")]
    public void A_mapping_over_a_hole_between_banks_is_refused_before_anything_is_mapped(string path)
    {
        using var rig = DmaRig.Make(path);
        var start = new PhysicalAddress(HonestMemory.Base + (63 << 20));
        Assert.True(rig.Memory.Ram.TryGetPointer(start, 1, out var pointer));
        var block = new MemoryBlock(pointer, start, (int)(HonestMemory.FarBase + 4096 - start.Value));
        var error = Assert.Throws<ApertureException>(() => rig.Dma.Map(block, DmaDirection.ToDevice));
        Assert.Equal(Status.BadAddress, error.Status);
        if (path.StartsWith("iommu", StringComparison.Ordinal))
            Assert.Equal(0, rig.Domain.Count);
    }

    /// <summary>A5: registers between two ends that are no memory, with memory in the middle.</summary>
    [Fact]
    public void A_resource_around_memory_is_refused()
    {
        using var rig = DmaRig.Make("iommu");
        var length = HonestMemory.FarBytes + 0x2000;
        var error = Assert.Throws<ApertureException>(
            () => rig.Dma.MapResource(new PhysicalAddress(HonestMemory.FarBase - 0x1000), length, DmaDirection.ToDevice));
        Assert.Equal(Status.InvalidArgument, error.Status);
        using var beside = rig.Dma.MapResource(new PhysicalAddress(HonestMemory.FarBase - 0x2000), 0x2000, DmaDirection.ToDevice);
        Assert.Equal(2, rig.Domain.Count);
    }

    [Fact]
    public void Memories_side_by_side_own_what_lies_across_them()
    {
        using var memory = new HonestMemory(true);
        var first = new DmaPool(memory, memory.Allocate(0x4000), "first");
        var second = new DmaPool(memory, memory.Allocate(0x4000), "second");
        var both = new PrioritisedMemory(first, second);
        var start = first.LowestAddress;
        Assert.Equal(start + 0x4000, second.LowestAddress); // the page allocator gives the lowest first
        Assert.True(both.Owns(start + 0x3FFF, 2));
        Assert.True(both.Owns(start, 0x8000));
        Assert.False(both.Owns(start, 0x8001));
        Assert.False(first.Owns(start, 0x4001));
        Assert.False(both.Owns(start, ulong.MaxValue));
        Assert.True(both.OwnsAny(start + 0x7FFF, 0x1000));
        Assert.False(both.OwnsAny(start + 0x8000, 0x1000));
        memory.Ram.Span(start + 0x3FC0, 0x80).Fill(7);
        both.Clean(start + 0x3FC0, 0x80);
        Assert.Equal(-1, memory.Ram.DramSpan(start + 0x3FC0, 0x80).IndexOfAnyExcept((byte)7));
    }

    /// <summary>The default of a memory that only knows single addresses.</summary>
    [Fact]
    public void A_memory_that_knows_bytes_is_asked_page_by_page()
    {
        using var memory = new HonestMemory(false, 1 << 20);
        var last = new PhysicalAddress(HonestMemory.Base + (1 << 20) - 1);
        Assert.True(memory.Owns(new(HonestMemory.Base + 5), (1 << 20) - 5));
        Assert.False(memory.Owns(new(HonestMemory.Base + 5), (1 << 20) - 4));
        Assert.False(memory.Owns(new(ulong.MaxValue), 2));
        Assert.True(memory.Owns(last, 1));
        Assert.True(memory.OwnsAny(new(HonestMemory.Base - 1), 2));
        Assert.False(memory.OwnsAny(new(HonestMemory.Base - 1), 1));
        Assert.False(memory.OwnsAny(new(ulong.MaxValue), 2));
        Assert.True(memory.OwnsAny(last - 5000, 10_000));
    }
}
