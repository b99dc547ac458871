using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Dma;
using Aperture.Dma.Sanitizer;

namespace Aperture.Tests.Dma;

/// <summary>Maps of physical addresses, and the attributes that came with them.</summary>
public class PhysicalAttributesTests
{
    private static readonly PhysicalAddress s_registers = new(0x4000_0000);

    [Theory]
    [InlineData("direct")]
    [InlineData("direct-noncoherent")]
    [InlineData("direct-offset")]
    [InlineData("iommu")]
    [InlineData("iommu-noncoherent")]
    [InlineData("iommu-snooping")]
    [InlineData("bounce")]
    [InlineData("restricted")]
    [InlineData("untrusted")]
    public void Mmio_maps_registers_as_they_are(string path)
    {
        using var rig = DmaRig.Make(path);
        var before = rig.Memory.Ram.Cache?.Counters.Operations;
        var mapping = rig.Dma.MapFrames(s_registers + 4, 8, DmaDirection.FromDevice, DmaAttributes.Mmio);
        Assert.Equal((DmaAttributes.Mmio, 8ul), (mapping.Attributes, mapping.Length));
        if (rig.Dma.Domain is null)
        {
            Assert.Equal(s_registers.Value + 4, mapping.Address.Value); // no bus moves it
        }
        else
        {
            Assert.Equal(Protection.Write | Protection.Mmio, rig.Domain.RightsAt(mapping.Address));
            Assert.True(rig.Domain.TryTranslate(mapping.Address, out var physical) && physical == s_registers + 4);
        }

        mapping.SyncForCpu();
        mapping.Dispose();
        Assert.Equal(before, rig.Memory.Ram.Cache?.Counters.Operations); // no cache is touched
        Assert.Equal(0, rig.Dma.BouncePool.UsedSlots);

        // Without it the same is refused, or not what registers need.
        if (path is "direct" or "iommu" or "iommu-snooping")
            Assert.NotEqual(Protection.Mmio, Protection.Mmio & RightsWithout(rig));
        else
            Assert.Throws<ApertureException>(() => rig.Dma.MapFrames(s_registers + 4, 8, DmaDirection.FromDevice));

        static Protection RightsWithout(DmaRig rig)
        {
            using var plain = rig.Dma.MapFrames(s_registers + 4, 8, DmaDirection.FromDevice);
            return rig.Dma.Domain is null ? Protection.None : rig.Domain.RightsAt(plain.Address);
        }
    }

    [Fact]
    public void Mmio_is_no_wish_for_memory()
    {
        using var rig = DmaRig.Make("iommu");
        var memory = rig.Memory.Allocate(0x1000);
        var refusal = Assert.Throws<ApertureException>(() => rig.Dma.Map(memory, DmaDirection.ToDevice, DmaAttributes.Mmio));
        Assert.EndsWith("NotSupported of Mmio; blocks of memory are no registers: MapFrames and MapResource take those", refusal.Message,
            StringComparison.Ordinal);
        Assert.Throws<ApertureException>(() => rig.Dma.MapScatter([memory], new DmaSegment[1], DmaDirection.ToDevice, DmaAttributes.Mmio));
        Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(
            () => rig.Dma.MapFrames(memory.Address, 0x1000, DmaDirection.ToDevice, DmaAttributes.Mmio)).Status);
        using var privileged = rig.Dma.MapResource(s_registers, 4, DmaDirection.ToDevice, DmaAttributes.Privileged);
        Assert.Equal(Protection.Read | Protection.Mmio | Protection.Privileged, rig.Domain.RightsAt(privileged.Address));
    }

    [Theory]
    [InlineData("direct", true)]
    [InlineData("direct-snooping", true)]
    [InlineData("direct-noncoherent", false)]
    [InlineData("iommu", true)]
    [InlineData("iommu-noncoherent", false)]
    [InlineData("bounce", false)]
    [InlineData("restricted", false)]
    [InlineData("untrusted", false)]
    public void RequireCoherent_is_refused_where_a_sync_would_have_something_to_do(string path, bool isGranted)
    {
        using var rig = DmaRig.Make(path, isSanitized: true);
        var memory = rig.Memory.Allocate(0x1000).Slice(16, 256);
        var segments = new DmaSegment[1];
        if (!isGranted)
        {
            var refusal = Assert.Throws<ApertureException>(() => rig.Dma.Map(memory, DmaDirection.ToDevice, DmaAttributes.RequireCoherent));
            Assert.Equal(Status.NotSupported, refusal.Status);
            Assert.Contains("NotSupported of RequireCoherent; ", refusal.Message, StringComparison.Ordinal);
            Assert.Throws<ApertureException>(
                () => rig.Dma.MapScatter([memory], segments, DmaDirection.ToDevice, DmaAttributes.RequireCoherent));
            rig.Dma.Map(memory, DmaDirection.ToDevice).Dispose();
            return;
        }

        rig.Dma.MapScatter([memory], segments, DmaDirection.ToDevice, DmaAttributes.RequireCoherent).Dispose();
        using (var mapping = rig.Dma.Map(memory, DmaDirection.Bidirectional, DmaAttributes.RequireCoherent))
        {
            Assert.False(mapping.NeedsSync);
            for (byte turn = 1; turn < 5; turn++) // a mailbox: both touch it at any time
            {
                memory.Span[0] = turn;
                var seen = new byte[1];
                rig.Read(mapping.Address, seen);
                rig.Write(mapping.Address + 1, seen);
                Assert.Equal((turn, turn), (seen[0], memory.Span[1]));
            }
        }

        Assert.Empty(rig.Sanitizer!.Findings);
        using var plain = rig.Dma.Map(memory, DmaDirection.Bidirectional);
        memory.Span[0] = 9;
        rig.Read(plain.Address, new byte[1]);
        Assert.NotEmpty(rig.Sanitizer.Findings); // as it has to be without it
    }

    [Theory]
    [InlineData(true, true, 0)]
    [InlineData(true, false, 1)]
    [InlineData(false, true, 1)]
    [InlineData(false, false, 1)]
    public void Small_buffers_share_a_cache_line_when_all_say_that_the_CPU_keeps_out(bool first, bool second, int findings)
    {
        using var rig = DmaRig.Make("direct-noncoherent", isSanitized: true);
        var page = rig.Memory.Allocate(0x1000);
        using var one = rig.Dma.Map(page.Slice(0, 16), DmaDirection.FromDevice, Wish(first));
        using var other = rig.Dma.Map(page.Slice(16, 16), DmaDirection.FromDevice, Wish(second));
        Assert.Equal(findings, rig.Sanitizer!.Findings.Count(finding => finding.Kind == FindingKind.SharedCacheLine));

        static DmaAttributes Wish(bool says) => says ? DmaAttributes.DebuggingIgnoreCachelines : DmaAttributes.None;
    }

    [Theory]
    [InlineData("direct")]
    [InlineData("direct-noncoherent")]
    [InlineData("iommu")]
    [InlineData("iommu-noncoherent")]
    [InlineData("untrusted")]
    public void Private_memory_bounces_through_shared(string path)
    {
        using var rig = DmaRig.Make(path, isConfidential: true);
        Assert.EndsWith("bounce", rig.Dma.Path, StringComparison.Ordinal);
        var memory = rig.Memory.Allocate(0x2000);
        memory.Span.Fill(3);
        using (var mapping = rig.Dma.Map(memory, DmaDirection.Bidirectional))
        {
            var seen = new byte[memory.Length];
            rig.Read(mapping.Address, seen); // the rig refuses an access to private memory
            Assert.Equal(-1, seen.AsSpan().IndexOfAnyExcept((byte)3));
            seen.AsSpan().Fill(4);
            rig.Write(mapping.Address, seen);
        }

        Assert.Equal(-1, memory.Span.IndexOfAnyExcept((byte)4));
        using (var list = rig.Dma.MapScatter([memory.Slice(0, 100), memory.Slice(0x1000, 100)], new DmaSegment[2], DmaDirection.FromDevice))
            rig.Write(list.Segments[1].Address, new byte[100]);
        Assert.Equal((4, 0), (memory.Span[0xFFF], memory.Span[0x1000]));

        // What the DMA API allocates is shared, as long as it is out.
        PhysicalAddress where;
        using (var buffer = rig.Dma.Allocate(0x1000))
        {
            where = buffer.Memory.Address;
            rig.Write(buffer.Address, new byte[] { 5 });
            Assert.Equal(5, buffer.Span[0]);
        }

        Assert.True(rig.Memory.IsPrivate(where, 1));
        using var pages = rig.Dma.AllocatePages(0x1000, DmaDirection.FromDevice);
        rig.Write(pages.Mapping.Address, new byte[] { 5 });
        Assert.False(rig.Memory.IsPrivate(pages.Memory.Address, 0x1000));
        Assert.Throws<ApertureException>(() => rig.Dma.MapFrames(memory.Address, 0x1000, DmaDirection.ToDevice)); // nobody can copy it
    }

    [Theory]
    [InlineData("direct")]
    [InlineData("iommu-noncoherent")]
    public void CcShared_memory_is_used_itself_and_private_memory_is_refused(string path)
    {
        using var rig = DmaRig.Make(path, isConfidential: true);
        var memory = rig.Memory.Allocate(0x1000);
        var refusal = Assert.Throws<ApertureException>(() => rig.Dma.Map(memory, DmaDirection.ToDevice, DmaAttributes.CcShared));
        Assert.Equal(Status.NotPermitted, refusal.Status);
        Assert.EndsWith("NotPermitted of CcShared; the memory is private: share it first (SystemMemory.Share)", refusal.Message,
            StringComparison.Ordinal);
        Assert.Throws<ApertureException>(
            () => rig.Dma.MapScatter([memory], new DmaSegment[1], DmaDirection.ToDevice, DmaAttributes.CcShared));
        rig.Dma.Map(memory, DmaDirection.ToDevice).Dispose(); // it is copied without
        memory.Span.Fill(1);
        rig.Memory.Share(memory);
        Assert.Equal(-1, memory.Span.IndexOfAnyExcept((byte)0)); // what it held is lost
        using (var mapping = rig.Dma.Map(memory, DmaDirection.FromDevice, DmaAttributes.CcShared))
        {
            rig.Write(mapping.Address, new byte[] { 7 });
            Assert.Equal(0, rig.Dma.BouncePool.UsedSlots);
        }

        Assert.Equal(7, memory.Span[0]);
        using (rig.Dma.MapFrames(memory.Address, 0x1000, DmaDirection.ToDevice, DmaAttributes.CcShared))
            Assert.Equal(0, rig.Dma.BouncePool.UsedSlots);
        rig.Memory.MakePrivate(memory);
        Assert.Equal(0, memory.Span[0]);
    }

    [Fact]
    public void Privacy_is_a_matter_of_whole_pages()
    {
        using var rig = DmaRig.Make("direct", isConfidential: true);
        var pages = rig.Memory.Ram.Private!;
        var start = rig.Memory.Allocate(0x4000).Address;
        pages.Share(new MemoryRange(start + 0x1000, 0x1000));
        Assert.Equal([true, false, true], new[] { start, start + 0x1000, start + 0x2000 }.Select(page => pages.IsPrivate(page, 1)));
        Assert.Equal((true, false, true, false),
            (pages.IsPrivate(start + 0xFFF, 2), pages.IsPrivate(start + 0x1000, 0x1000), pages.IsPrivate(start + 0x1FFF, 2),
                pages.IsPrivate(start + 0x1FFF, 1)));
        Assert.False(pages.IsPrivate(s_registers, 4));
        Assert.False(pages.IsPrivate(start, 0));
        Assert.Throws<ApertureException>(() => pages.Share(new MemoryRange(start + 1, 0x1000)));
        Assert.Throws<ApertureException>(() => pages.Share(new MemoryRange(start, 0x800)));
        Assert.Throws<ApertureException>(() => pages.MakePrivate(new MemoryRange(s_registers, 0x1000)));
    }
}
