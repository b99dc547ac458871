using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Memory;

namespace Aperture.Tests.Dma;

/// <summary>Allocations as a user sees them.</summary>
public class UserViewTests
{
    [Theory]
    [InlineData("direct-noncoherent")]
    [InlineData("iommu-noncoherent")]
    [InlineData("restricted-noncoherent")]
    public void A_user_sees_what_the_device_writes_to_coherent_memory(string path)
    {
        using var rig = DmaRig.Make(path);
        var buffer = rig.Dma.Allocate(0x2000);
        var view = buffer.MapToUser(0x1800, 0x800);
        var other = buffer.MapToUser(0, 1);
        rig.Write(buffer.Address + 0x1801, new byte[] { 5 });
        Assert.Equal((0x800, 5), (view.Length, view.Span[1]));
        view.Span[2] = 6;
        var seen = new byte[1];
        rig.Read(buffer.Address + 0x1802, seen);
        Assert.Equal(6, seen[0]);
        view.Dispose();
        view.Dispose();
        Assert.Equal((true, false), (view.IsVoid, other.IsVoid));
        Assert.Equal(Status.BadAddress, Assert.Throws<ApertureException>(() => view.Span.Length).Status);
        buffer.Dispose();
        Assert.True(other.IsVoid);
        Assert.Contains("is gone", Assert.Throws<ApertureException>(() => other.Span.Length).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("direct-noncoherent")]
    [InlineData("iommu")]
    [InlineData("bounce")]
    public void Cached_allocations_can_be_shown_too_and_are_synced(string path)
    {
        using var rig = DmaRig.Make(path);
        var pages = rig.Dma.AllocatePages(0x2000, DmaDirection.Bidirectional);
        var pieces = rig.Dma.AllocateNoncontiguous(0x2000, DmaDirection.Bidirectional, DmaAttributes.AllocSinglePages);
        var view = pages.MapToUser(0x1000, 0x1000);
        var piece = pieces.MapToUser(pieces.Pieces.Length - 1, 4, 8);
        view.Span[3] = 7;
        piece.Span[3] = 8;
        pages.Mapping.SyncForDevice();
        pieces.SyncForDevice();
        var seen = new byte[1];
        rig.Read(pages.Mapping.Address + 0x1003, seen);
        Assert.Equal(7, seen[0]);
        rig.Read(pieces.Address + (ulong)(0x2000 - pieces.Pieces[^1].Length + 7), seen);
        Assert.Equal(8, seen[0]);
        pages.Dispose();
        pieces.Dispose();
        Assert.True(view.IsVoid && piece.IsVoid);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(-1, 2)]
    [InlineData(0x1FFF, 2)]
    [InlineData(0x2000, 1)]
    [InlineData(1, int.MaxValue)]
    [InlineData(int.MaxValue, 1)]
    public void A_view_does_not_leave_its_buffer(int offset, int length)
    {
        using var rig = DmaRig.Make("iommu");
        using var buffer = rig.Dma.Allocate(0x2000);
        using var pages = rig.Dma.AllocatePages(0x2000, DmaDirection.ToDevice);
        using var pieces = rig.Dma.AllocateNoncontiguous(0x2000, DmaDirection.ToDevice);
        Assert.All<Action>(
            [() => buffer.MapToUser(offset, length), () => pages.MapToUser(offset, length), () => pieces.MapToUser(0, offset, length)],
            call => Assert.Equal(Status.OutOfRange, Assert.Throws<ApertureException>(call).Status));
        Assert.Throws<ArgumentOutOfRangeException>(() => pieces.MapToUser(1, 0, 1));
        Assert.Throws<ApertureException>(() => default(CoherentBuffer).MapToUser(0, 1));
        Assert.Throws<ApertureException>(() => default(NoncoherentBuffer).MapToUser(0, 1));
    }
}
