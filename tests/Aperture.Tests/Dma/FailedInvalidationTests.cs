using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Core.Threading;
using Aperture.Dma;
using Aperture.Dma.Flush;

namespace Aperture.Tests.Dma;

/// <summary>What the DMA API does while a unit cannot be told of unmaps, and afterwards.</summary>
public sealed class FailedInvalidationTests
{
    [Theory]
    [InlineData("iommu")]
    [InlineData("iommu-deferred")]
    public void A_streaming_unmap_of_which_the_unit_could_not_be_told_said_nothing_and_gave_the_device_address_out_again(string path)
    {
        using var rig = DmaRig.Make(path);
        var memory = rig.Memory.Allocate(0x3000);
        var used = rig.Domain.Space!.UsedBytes;
        var mapping = rig.Dma.Map(memory, DmaDirection.FromDevice);
        rig.Unit.OnInvalidate = _ => Status.IoError;
        if (path == "iommu-deferred")
        {
            // The window is open: nobody has been told of anything. The first flush says so, and from then on each unmap.
            rig.Dma.Map(memory, DmaDirection.FromDevice).Dispose();
            rig.Time.Advance(FlushQueue.Timeout);
        }

        var error = Assert.Throws<ApertureException>(() => mapping.Dispose());
        Assert.Equal(Status.IoError, error.Status);
        Assert.Contains(rig.Device.Name, error.Message, StringComparison.Ordinal);
        Assert.False(rig.Domain.TryTranslate(mapping.Address, out _));
        Assert.True(rig.Domain.IsQuarantining);
        for (var i = 0; i < 2000; i++)
        {
            var other = rig.Dma.Map(memory, DmaDirection.FromDevice);
            Assert.False(other.Address.Value < mapping.Address.Value + 0x3000 && mapping.Address.Value < other.Address.Value + 0x3000);
            Assert.Throws<ApertureException>(() => other.Dispose());
        }

        var isReachable = true;
        rig.Dma.WhenUnreachable(() => isReachable = false);
        Assert.True(isReachable);
        rig.Unit.OnInvalidate = null;
        Assert.Equal(Status.Ok, rig.Unit.TryReprogram());
        Assert.False(isReachable);
        Assert.False(rig.Domain.IsQuarantining);
        Assert.Equal(0UL, rig.Domain.QuarantinedBytes);
        Assert.Equal(used, rig.Domain.Space.UsedBytes);
        rig.Dma.Map(memory, DmaDirection.FromDevice).Dispose();
    }

    [Theory]
    [InlineData("iommu", "coherent")]
    [InlineData("iommu", "pages")]
    [InlineData("iommu", "noncontiguous")]
    [InlineData("iommu-deferred", "coherent")]
    [InlineData("iommu-deferred", "pages")]
    [InlineData("iommu-deferred", "noncontiguous")]
    [InlineData("untrusted", "coherent")]
    public void Memory_went_back_while_the_device_could_reach_it_because_the_unit_could_not_be_told(string path, string kind)
    {
        using var rig = DmaRig.Make(path);
        var before = rig.Memory.Live;
        IDisposable buffer = kind switch
        {
            "coherent" => rig.Dma.Allocate(0x2000),
            "pages" => rig.Dma.AllocatePages(0x2000, DmaDirection.Bidirectional),
            _ => rig.Dma.AllocateNoncontiguous(0x2000, DmaDirection.Bidirectional),
        };
        var taken = rig.Memory.Live;
        rig.Unit.OnInvalidate = _ => Status.TimedOut;
        buffer.Dispose();
        Assert.Equal(taken, rig.Memory.Live);
        Assert.True(rig.Domain.IsQuarantining);
        rig.Unit.OnInvalidate = null;
        rig.Unit.TryReprogram();
        Assert.Equal(before, rig.Memory.Live);
    }

    [Fact]
    public void A_bounce_buffer_that_the_device_may_reach_is_not_given_to_another_mapping()
    {
        using var rig = DmaRig.Make("untrusted");
        var memory = rig.Memory.Allocate(0x1000);
        var mapping = rig.Dma.Map(memory.Slice(8, 100), DmaDirection.FromDevice);
        var slots = rig.Dma.BouncePool.UsedSlots;
        rig.Unit.OnInvalidate = _ => Status.IoError;
        Assert.Throws<ApertureException>(() => mapping.Dispose());
        Assert.Equal(slots, rig.Dma.BouncePool.UsedSlots);
        rig.Unit.OnInvalidate = null;
        rig.Unit.TryReprogram();
        Assert.Equal(0, rig.Dma.BouncePool.UsedSlots);
    }

    [Theory]
    [InlineData(DmaDirection.FromDevice)]
    [InlineData(DmaDirection.Bidirectional)]
    public void Bytes_of_a_device_that_may_write_on_are_not_copied(DmaDirection direction)
    {
        using var rig = DmaRig.Make("untrusted");
        var memory = rig.Memory.Allocate(0x1000).Slice(8, 100);
        memory.Span.Fill(5);
        var mapping = rig.Dma.Map(memory, direction);
        rig.Write(mapping.Address, Enumerable.Repeat((byte)9, 100).ToArray());
        rig.Unit.OnInvalidate = _ => Status.IoError;
        Assert.Throws<ApertureException>(() => mapping.Dispose());
        Assert.Equal(-1, memory.Span.IndexOfAnyExcept((byte)5));
        rig.Unit.OnInvalidate = null;
        rig.Unit.TryReprogram();
        mapping = rig.Dma.Map(memory, direction);
        rig.Write(mapping.Address, Enumerable.Repeat((byte)9, 100).ToArray());
        mapping.Dispose();
        Assert.Equal(-1, memory.Span.IndexOfAnyExcept((byte)9));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Any_piece_of_a_list_that_bounces_may_be_the_one_of_which_the_unit_could_not_be_told(int failing)
    {
        using var rig = DmaRig.Make("untrusted");
        var block = rig.Memory.Allocate(0x3000);
        var mapping = rig.Dma.MapScatter([block.Slice(8, 100), block.Slice(0x1008, 100), block.Slice(0x2008, 100)], new DmaSegment[3],
            DmaDirection.FromDevice);
        var calls = 0;
        rig.Unit.OnInvalidate = _ => ++calls == failing ? Status.IoError : Status.Ok;
        var told = Status.Ok;
        try
        {
            mapping.Dispose();
        }
        catch (ApertureException error)
        {
            told = error.Status;
        }

        Assert.Equal(Status.IoError, told);
        Assert.True(calls >= failing);
    }

    [Fact]
    public void Any_ring_may_be_the_one_whose_flush_fails()
    {
        Assert.InRange(ThreadSlot.Count, 1, 1 << 16);
        for (var ring = 0; ring < ThreadSlot.Count; ring++)
        {
            using var rig = DmaRig.Make("iommu-deferred");
            ThreadSlot.Move(ThreadRecord.Current); // as another thread's; the other rings have nothing to flush
            rig.Dma.Map(rig.Memory.Allocate(0x1000), DmaDirection.FromDevice).Dispose();
            var queue = (FlushQueue)rig.Domain.Queue!;
            rig.Unit.OnInvalidate = _ => Status.IoError;
            Assert.Equal(Status.IoError, queue.Flush());
            Assert.True(rig.Domain.IsQuarantining);
            rig.Unit.OnInvalidate = null;
            rig.Unit.TryReprogram();
            Assert.Equal(Status.Ok, queue.Flush());
        }
    }

    [Fact]
    public void A_domain_whose_unit_could_not_be_told_of_the_last_detach_keeps_what_was_removed_until_it_was()
    {
        using var rig = DmaRig.Make("iommu");
        var memory = rig.Memory.Allocate(0x1000);
        var mapping = rig.Dma.Map(memory, DmaDirection.FromDevice);
        rig.Unit.OnInvalidate = _ => Status.IoError;
        Assert.Throws<ApertureException>(() => mapping.Dispose());
        var domain = rig.Domain;
        rig.Core.Release(rig.Device);
        Assert.True(domain.IsQuarantining);
        var gather = default(InvalidationGather);
        gather.Add(mapping.Address, 0x1000, 12);
        Assert.Equal(Status.IoError, domain.Commit(ref gather)); // the unit was left, but may not have noticed
        rig.Unit.OnInvalidate = null;
        rig.Unit.TryReprogram();
        Assert.False(domain.IsQuarantining);
        gather.Add(mapping.Address, 0x1000, 12);
        Assert.Equal(Status.Ok, domain.Commit(ref gather));
    }

    [Fact]
    public void What_waited_behind_a_release_that_throws_was_never_given_back()
    {
        using var rig = DmaRig.Make("iommu");
        var before = rig.Memory.Live;
        var blocks = new[] { rig.Memory.Allocate(0x1000), rig.Memory.Allocate(0x1000) };
        var mappings = blocks.Select(block => rig.Dma.Map(block, DmaDirection.FromDevice)).ToArray();
        rig.Unit.OnInvalidate = _ => Status.IoError;
        Assert.Throws<ApertureException>(() => mappings[0].Dispose());
        rig.Dma.WhenUnreachable(() =>
        {
            rig.Memory.Free(blocks[0]);
            throw new InvalidOperationException("mine");
        });
        Assert.Throws<ApertureException>(() => mappings[1].Dispose());
        rig.Dma.WhenUnreachable(() => rig.Memory.Free(blocks[1]));
        rig.Unit.OnInvalidate = null;
        Assert.Throws<InvalidOperationException>(() => rig.Unit.TryReprogram()); // who brought the unit back hears of it
        Assert.Equal(before, rig.Memory.Live);
        Assert.False(rig.Domain.IsQuarantining);
        rig.Dma.Map(rig.Memory.Allocate(0x1000), DmaDirection.FromDevice).Dispose();
    }
}
