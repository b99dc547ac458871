using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Dma;

/// <summary>Mappings at device addresses that the driver chose.</summary>
public class FixedAddressTests
{
    [Fact]
    public void The_device_finds_it_there_and_nothing_else_comes_there()
    {
        using var rig = DmaRig.Make("iommu");
        var memory = rig.Memory.Allocate(0x3000).Slice(0x123, 0x1800);
        memory.Span.Fill(7);
        var at = new Iova(0x4000_0123);
        var mapping = rig.Dma.MapAt(memory, at, DmaDirection.Bidirectional);
        Assert.Equal(at, mapping.Address);
        var seen = new byte[0x1800];
        rig.Read(at, seen);
        Assert.Equal(-1, seen.AsSpan().IndexOfAnyExcept((byte)7));
        foreach (var taken in (ulong[])[0x4000_0123, 0x4000_1123, 0x3FFF_F123])
            Refused(Status.AlreadyExists, rig, memory, taken);
        mapping.Dispose();
        Assert.Equal((0, 0x1000ul), (rig.Domain.Count, rig.Domain.Space!.UsedBytes));
        rig.Dma.MapAt(memory, at, DmaDirection.ToDevice).Dispose();
    }

    [Fact]
    public void What_cannot_be_is_refused_and_leaves_nothing()
    {
        using var rig = DmaRig.Make("iommu");
        var memory = rig.Memory.Allocate(0x2000).Slice(0x10, 0x1800);
        Refused(Status.InvalidArgument, rig, memory, 0x4000_0000);     // another offset in its page
        Refused(Status.AlreadyExists, rig, memory, 0x10);              // page zero is never given out
        Refused(Status.OutOfRange, rig, memory, 0xFFFF_F010);          // its end is above the mask
        rig.Dma.SetMask(64);
        Refused(Status.OutOfRange, rig, memory, 0xFFFF_F010);          // its end is behind the domain
        Refused(Status.OutOfRange, rig, memory, 0x1_0000_0010);
        Refused(Status.OutOfRange, rig, memory, 0xFFFF_FFFF_FFFF_F010);
        rig.Dma.SetMask(24);
        Refused(Status.OutOfRange, rig, memory, 0x4000_0010);
        rig.Domain.FailAfter = 0;
        Refused(Status.NoMemory, rig, memory, 0x10_0010);
        rig.Dma.SetMinAlignMask(0xFFFF);
        Refused(Status.InvalidArgument, rig, memory, 0x10_1010 + ((memory.Address.Value & 0xF000) ^ 0x8000));
        Assert.Equal((0, 0x1000ul), (rig.Domain.Count, rig.Domain.Space!.UsedBytes));
        rig.Dma.MapAt(memory, new Iova(0x10_0000 + (memory.Address.Value & 0xFFFF)), DmaDirection.ToDevice).Dispose();
    }

    [Theory]
    [InlineData(24)]
    [InlineData(32)]
    public void The_last_address_that_the_device_has_is_one_of_them(int bits)
    {
        using var rig = DmaRig.Make("iommu");
        rig.Dma.SetMask(bits);
        var memory = rig.Memory.Allocate(0x3000);
        for (var pages = 1; pages <= 2; pages++)
        {
            var bytes = pages * 0x1000;
            var last = (1UL << bits) - (ulong)bytes;
            rig.Dma.MapAt(memory.Slice(0, bytes), new Iova(last), DmaDirection.ToDevice).Dispose();
            rig.Dma.MapAt(memory.Slice(0, bytes - 1), new Iova(last), DmaDirection.ToDevice).Dispose();
            Refused(Status.OutOfRange, rig, memory.Slice(0, bytes + 1), last);
        }
    }

    [Fact]
    public void Deferred_flush_does_not_stand_in_the_way()
    {
        using var rig = DmaRig.Make("iommu-deferred");
        var memory = rig.Memory.Allocate(0x1000);
        var at = new Iova(0x4000_0000);
        for (var i = 0; i < 3; i++)
            rig.Dma.MapAt(memory, at, DmaDirection.ToDevice).Dispose();
        Assert.Equal(2, rig.Unit.Invalidations.Count); // one before each of the later two
    }

    [Theory]
    [InlineData("direct", 0)]
    [InlineData("direct-offset", 0x1000_0000 - (long)HonestMemory.Base)]
    public void Without_an_iommu_memory_can_only_be_where_it_is(string path, long offset)
    {
        using var rig = DmaRig.Make(path);
        var memory = rig.Memory.Allocate(0x1000);
        var own = memory.Address.Value + (ulong)offset;
        rig.Dma.MapAt(memory, new Iova(own), DmaDirection.ToDevice).Dispose();
        var error = Refused(Status.NotSupported, rig, memory, own + 0x1000);
        Assert.Contains("nobody can choose", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bounce_buffer_cannot_be_chosen()
    {
        using var rig = DmaRig.Make("bounce");
        var memory = rig.Memory.Allocate(0x1000);
        var error = Refused(Status.NotSupported, rig, memory, memory.Address.Value);
        Assert.Contains("bounce buffer", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, rig.Dma.BouncePool.UsedSlots);
    }

    private static ApertureException Refused(Status status, DmaRig rig, MemoryBlock memory, ulong address)
    {
        var error = Assert.Throws<ApertureException>(() => rig.Dma.MapAt(memory, new Iova(address), DmaDirection.ToDevice));
        Assert.Equal(status, error.Status);
        Assert.Contains(new Iova(address).ToString(), error.Message, StringComparison.Ordinal);
        return error;
    }
}
