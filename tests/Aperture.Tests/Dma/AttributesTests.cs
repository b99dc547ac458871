using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Memory;

namespace Aperture.Tests.Dma;

/// <summary>Each wish is honoured or refused by name; none is passed over.</summary>
public class AttributesTests
{
    private const DmaAttributes ForMappings = DmaAttributes.SkipCpuSync | DmaAttributes.NoWarn | DmaAttributes.DebuggingIgnoreCachelines
        | DmaAttributes.CcShared;
    private const DmaAttributes ForAllocations = DmaAttributes.WriteCombine | DmaAttributes.NoKernelMapping | DmaAttributes.ForceContiguous
        | DmaAttributes.AllocSinglePages | DmaAttributes.NoWarn;

    public static TheoryData<string, DmaAttributes> All
    {
        get
        {
            var data = new TheoryData<string, DmaAttributes>();
            foreach (var path in (string[])["direct", "iommu", "bounce", "restricted", "untrusted"])
            {
                for (var bit = 0; bit < 32; bit++)
                    data.Add(path, (DmaAttributes)(1u << bit));
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Every_bit_is_honoured_or_refused_by_every_call(string path, DmaAttributes wish)
    {
        using var rig = DmaRig.Make(path);
        var hasTables = path is "iommu" or "untrusted";
        var memory = rig.Memory.Allocate(0x1000);
        var live = rig.Memory.Live;
        var extra = hasTables ? DmaAttributes.Privileged : DmaAttributes.None;
        var isCopied = path is "bounce" or "restricted";
        var canMap = ((ForMappings | extra | (isCopied ? DmaAttributes.None : DmaAttributes.RequireCoherent)) & wish) != 0;
        var canAllocate = ((ForAllocations | extra) & wish) != 0;
        Expect(canMap, () => rig.Dma.Map(memory, DmaDirection.ToDevice, wish).Dispose());
        Expect(canMap, () => rig.Dma.MapScatter([memory], new DmaSegment[1], DmaDirection.ToDevice, wish).Dispose());
        if (path is "direct" or "iommu")
        {
            var address = path == "iommu" ? new Iova(0x7000) : new Iova(memory.Address.Value);
            Expect(canMap, () => rig.Dma.MapAt(memory, address, DmaDirection.ToDevice, wish).Dispose());
            if (wish != DmaAttributes.Mmio) // of which frames of memory are none
                Expect(canMap, () => rig.Dma.MapFrames(memory.Address, 0x1000, DmaDirection.ToDevice, wish).Dispose());
        }

        Expect(canAllocate, () => rig.Dma.Allocate(100, wish).Dispose());
        Expect(wish == DmaAttributes.AllocSinglePages, () => rig.Dma.AllocateNoncontiguous(100, DmaDirection.ToDevice, wish).Dispose());
        var mapping = rig.Dma.Map(memory, DmaDirection.ToDevice);
        if (wish == DmaAttributes.SkipCpuSync)
            mapping.Unmap(wish);
        else
            Assert.Throws<ArgumentOutOfRangeException>(() => mapping.Unmap(wish));
        if (wish != DmaAttributes.SkipCpuSync)
            mapping.Dispose(); // it stands
        Assert.Equal((live, 0), (rig.Memory.Live - (rig.Platform.BouncePool.TotalBytes > 0 ? 1 : 0), hasTables ? rig.Domain.Count : 0));

        void Expect(bool works, Action call)
        {
            if (works)
            {
                call();
                return;
            }

            var error = Assert.Throws<ApertureException>(call);
            Assert.Equal(Status.NotSupported, error.Status);
            Assert.Contains($"NotSupported of {wish}", error.Message, StringComparison.Ordinal);
            Assert.Contains(path, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Privileged_reaches_the_table_from_every_call()
    {
        using var rig = DmaRig.Make("iommu");
        var memory = rig.Memory.Allocate(0x1000);
        using var map = rig.Dma.Map(memory, DmaDirection.ToDevice, DmaAttributes.Privileged);
        using var at = rig.Dma.MapAt(memory, new Iova(0x7000_0000), DmaDirection.FromDevice, DmaAttributes.Privileged);
        using var buffer = rig.Dma.Allocate(1, DmaAttributes.Privileged);
        using var scatter = rig.Dma.MapScatter([memory], new DmaSegment[1], DmaDirection.Bidirectional, DmaAttributes.Privileged);
        Assert.Equal(Protection.Read | Protection.Privileged, rig.Domain.RightsAt(map.Address));
        Assert.Equal(Protection.Write | Protection.Privileged, rig.Domain.RightsAt(at.Address));
        Assert.Equal(Protection.ReadWrite | Protection.Privileged, rig.Domain.RightsAt(buffer.Address));
        Assert.Equal(Protection.ReadWrite | Protection.Privileged, rig.Domain.RightsAt(scatter.Segments[0].Address));
    }

    [Theory]
    [InlineData("direct-noncoherent")]
    [InlineData("iommu-noncoherent")]
    public void Skipped_syncs_leave_the_caches_alone(string path)
    {
        using var rig = DmaRig.Make(path);
        var memory = rig.Memory.Allocate(0x1000);
        var before = rig.Memory.Ram.Cache!.Counters.Operations;
        rig.Dma.Map(memory, DmaDirection.Bidirectional, DmaAttributes.SkipCpuSync).Unmap(DmaAttributes.SkipCpuSync);
        rig.Dma.MapScatter([memory], new DmaSegment[1], DmaDirection.Bidirectional, DmaAttributes.SkipCpuSync)
            .Unmap(DmaAttributes.SkipCpuSync);
        Assert.Equal(before, rig.Memory.Ram.Cache.Counters.Operations);
        rig.Dma.Map(memory, DmaDirection.Bidirectional).Unmap(DmaAttributes.SkipCpuSync);
        Assert.Equal(before + 1, rig.Memory.Ram.Cache.Counters.Operations);
        rig.Dma.MapScatter([memory], new DmaSegment[1], DmaDirection.Bidirectional).Unmap(DmaAttributes.SkipCpuSync);
        Assert.Equal(before + 2, rig.Memory.Ram.Cache.Counters.Operations);
        rig.Dma.Map(memory, DmaDirection.Bidirectional).Dispose();
        Assert.Equal(before + 4, rig.Memory.Ram.Cache.Counters.Operations);
        rig.Dma.MapScatter([memory], new DmaSegment[1], DmaDirection.Bidirectional, DmaAttributes.SkipCpuSync).Unmap();
        Assert.Equal(before + 5, rig.Memory.Ram.Cache.Counters.Operations);
        Assert.Throws<ArgumentOutOfRangeException>(() => rig.Dma.MapScatter([memory], new DmaSegment[1], DmaDirection.Bidirectional)
            .Unmap(DmaAttributes.NoWarn));
    }

    [Fact]
    public void A_skipped_sync_copies_into_a_bounce_buffer_but_not_out_of_it()
    {
        using var rig = DmaRig.Make("bounce");
        var memory = rig.Memory.Allocate(0x1000);
        memory.Span.Fill(1);
        var mapping = rig.Dma.Map(memory, DmaDirection.Bidirectional, DmaAttributes.SkipCpuSync);
        var seen = new byte[1];
        rig.Read(mapping.Address + 0xFFF, seen);
        Assert.Equal(1, seen[0]);
        rig.Write(mapping.Address, new byte[] { 2 });
        mapping.Unmap(DmaAttributes.SkipCpuSync);
        Assert.Equal(1, memory.Span[0]);
    }

    public static TheoryData<string, string> Ends
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var path in (string[])["direct-noncoherent", "iommu-noncoherent", "bounce", "bounce-noncoherent", "untrusted"])
            {
                foreach (var call in (string[])["map", "scatter", "table"])
                    data.Add(path, call);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Ends))]
    public void Dispose_after_a_map_with_a_skipped_sync_dropped_what_the_device_wrote(string path, string call)
    {
        using var rig = DmaRig.Make(path);
        var memory = rig.Memory.Allocate(0x1000).Slice(0x80, 0x100);
        foreach (var isKept in (bool[])[true, false])
        {
            memory.Span.Fill(1);
            rig.Memory.Clean(memory.Address, (ulong)memory.Length);
            End(rig, memory, call, isKept);
            Assert.Equal(isKept ? 2 : 1, memory.Span[0xFF]);
        }
    }

    private static void End(DmaRig rig, MemoryBlock memory, string call, bool isKept)
    {
        byte[] bytes = new byte[memory.Length];
        bytes.AsSpan().Fill(2);
        if (call == "map")
        {
            var mapping = rig.Dma.Map(memory, DmaDirection.FromDevice, DmaAttributes.SkipCpuSync);
            rig.Write(mapping.Address, bytes);
            if (isKept)
                mapping.Dispose();
            else
                mapping.Unmap(DmaAttributes.SkipCpuSync);
        }
        else if (call == "scatter")
        {
            var list = rig.Dma.MapScatter([memory], new DmaSegment[1], DmaDirection.FromDevice, DmaAttributes.SkipCpuSync);
            rig.Write(list.Segments[0].Address, bytes);
            if (isKept)
                list.Dispose();
            else
                list.Unmap(DmaAttributes.SkipCpuSync);
        }
        else
        {
            var table = new ScatterTable(1);
            table.Map(rig.Dma, [memory], DmaDirection.FromDevice, DmaAttributes.SkipCpuSync);
            rig.Write(table.Segments[0].Address, bytes);
            table.Unmap(isKept ? DmaAttributes.None : DmaAttributes.SkipCpuSync);
        }
    }

    [Fact]
    public void Memory_without_a_view_for_the_cpu_has_none()
    {
        using var rig = DmaRig.Make("direct-noncoherent");
        using var buffer = rig.Dma.Allocate(0x2000, DmaAttributes.NoKernelMapping);
        Assert.Equal(Status.NotPermitted, Assert.Throws<ApertureException>(() => buffer.Span.Length).Status);
        Assert.Equal(Status.NotPermitted, Assert.Throws<ApertureException>(() => buffer.Memory.Span.Length).Status);
        Assert.Equal(Status.NotPermitted, Assert.Throws<ApertureException>(() => buffer.Memory.Slice(1, 1).Span.Length).Status);
        using var view = buffer.MapToUser(0x1000, 0x1000); // a user can have one all the same
        view.Span[0] = 3;
        var seen = new byte[1];
        rig.Read(buffer.Address + 0x1000, seen);
        Assert.Equal(3, seen[0]);
    }

    [Theory]
    [InlineData("direct-noncoherent")]
    [InlineData("iommu-noncoherent")]
    [InlineData("iommu-snooping")]
    public void Coherent_and_write_combined_memory_has_no_cached_alias_unless_the_device_snoops(string path)
    {
        using var rig = DmaRig.Make(path);
        using var plain = rig.Dma.Allocate(0x1000);
        using var combined = rig.Dma.AllocateWriteCombined(0x1000);
        Assert.Equal(DmaAttributes.WriteCombine, combined.Attributes);
        foreach (var memory in (MemoryBlock[])[plain.Memory, combined.Memory])
            Assert.Equal(!rig.Dma.Snoops, rig.Memory.Ram.Cache!.IsUncached(memory.Address));
    }

    [Fact]
    public void Single_pages_are_single_pages()
    {
        using var rig = DmaRig.Make("iommu");
        using var singles = rig.Dma.AllocateNoncontiguous(0x5001, DmaDirection.ToDevice, DmaAttributes.AllocSinglePages);
        Assert.Equal([0x1000, 0x1000, 0x1000, 0x1000, 0x1000, 1], singles.Pieces.ToArray().Select(piece => piece.Length));
        using var large = rig.Dma.AllocateNoncontiguous(0x5001, DmaDirection.ToDevice);
        Assert.Equal(1, large.Pieces.Length);
    }
}
