using Aperture.Dma;
using Aperture.Dma.Shared;

namespace Aperture.Tests.Dma;

/// <summary>Memory that the API itself gives back is out of the device's reach then, also where unmaps are flushed later.</summary>
public class MemoryGoesBackTests
{
    [Fact]
    public void Deferred_flush_does_not_outlast_the_memory()
    {
        using var rig = DmaRig.Make("iommu-deferred");
        Action[] calls =
        [
            () => rig.Dma.Allocate(0x1000).Dispose(),
            () => rig.Dma.AllocatePages(0x1000, DmaDirection.FromDevice).Dispose(),
            () => rig.Dma.AllocateNoncontiguous(0x1000, DmaDirection.FromDevice).Dispose(),
            () => Share(rig),
        ];
        foreach (var call in calls)
        {
            rig.Unit.Invalidations.Clear();
            call();
            Assert.Single(rig.Unit.Invalidations);
            Assert.Equal(0, rig.Dma.FlushStatistics.PendingBytes);
        }
    }

    [Theory]
    [InlineData("direct-noncoherent")]
    [InlineData("iommu-noncoherent")]
    [InlineData("restricted-noncoherent")]
    public void Memory_has_its_cached_view_again(string path)
    {
        using var rig = DmaRig.Make(path);
        var buffer = rig.Dma.Allocate(0x3000);
        var start = buffer.Memory.Address;
        Assert.True(rig.Memory.Ram.Cache!.IsUncached(start + 0x2000));
        buffer.Dispose();
        Assert.False(rig.Memory.Ram.Cache.IsUncached(start) || rig.Memory.Ram.Cache.IsUncached(start + 0x2000));
        Assert.Empty(rig.Memory.Ram.Cache.UncachedRanges);
    }

    private static void Share(DmaRig rig)
    {
        using var buffer = SharedBuffer.Allocate(rig.Memory, 0x1000);
        Assert.NotEqual(default, buffer.Attach(rig.Device));
    }
}
