using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Dma.Bounce;
using Aperture.Dma.Memory;
using Aperture.Dma.Operations;

namespace Aperture.Tests.Dma;

/// <summary>What a device sees in and around a bounce buffer, whoever had the slots before.</summary>
public class BounceIsolationTests
{
    private const int Whole = BouncePool.MaxMapping; // always the same slots of a pool of one segment

    private static DmaRig Small(string path) => DmaRig.Make(path, bounce: new BounceOptions { Bytes = Whole, MaxBytes = Whole, Areas = 1 });

    [Theory]
    [InlineData("bounce-noncoherent")]
    [InlineData("bounce-noncoherent-armv7")]
    [InlineData("bounce-noncoherent-mips")]
    [InlineData("bounce")]
    public void What_the_device_does_not_write_comes_back_as_it_was(string path)
    {
        using var rig = Small(path);
        var memory = rig.Memory.Allocate(Whole);
        memory.Span.Fill(0x11);
        rig.Dma.Map(memory, DmaDirection.ToDevice).Dispose();
        memory.Span.Fill(0x22);
        using (var mapping = rig.Dma.Map(memory, DmaDirection.FromDevice))
            rig.Write(mapping.Address + 1000, new byte[] { 0x33 });
        Assert.Equal(0x33, memory.Span[1000]);
        memory.Span[1000] = 0x22;
        Assert.Equal(-1, memory.Span.IndexOfAnyExcept((byte)0x22));
    }

    [Theory]
    [InlineData("bounce")]
    [InlineData("bounce-noncoherent")]
    public void A_buffer_that_was_given_back_is_refused_though_another_device_has_it_now(string path)
    {
        using var rig = Small(path);
        var next = new Device("next");
        DmaAttach.Attach(next, rig.Core, rig.Platform);
        var memory = rig.Memory.Allocate(Whole);
        var stale = rig.Dma.Map(memory, DmaDirection.FromDevice);
        var slots = rig.Dma.BouncePool.UsedSlots;
        stale.Dispose();
        var other = rig.Memory.Allocate(Whole);
        other.Span.Fill(0x44);
        using (var mapping = next.Dma.Map(other, DmaDirection.Bidirectional))
        {
            Assert.Equal(stale.Address, mapping.Address);
            Assert.Throws<ApertureException>(() => stale.Dispose());
            Assert.Equal(slots, rig.Dma.BouncePool.UsedSlots);
        }

        Assert.Equal(0, rig.Dma.BouncePool.UsedSlots);
        Assert.Equal(-1, memory.Span.IndexOfAnyExcept((byte)0));
        Assert.Throws<ApertureException>(() => stale.Dispose());
    }

    [Fact]
    public void What_a_device_left_in_the_slots_does_not_show_through_a_copy_of_bytes_that_the_cache_held()
    {
        using var rig = Small("bounce-noncoherent");
        var memory = rig.Memory.Allocate(Whole);
        memory.Span.Fill(0x11);
        var first = rig.Dma.Map(memory, DmaDirection.FromDevice);
        rig.Write(first.Address, new byte[Whole]);
        first.Unmap(DmaAttributes.SkipCpuSync); // the driver does not want it
        Assert.Equal(0x11, memory.Span[5]);
        using var second = rig.Dma.Map(memory, DmaDirection.ToDevice);
        var seen = new byte[Whole];
        rig.Read(second.Address, seen);
        Assert.Equal(-1, seen.AsSpan().IndexOfAnyExcept((byte)0x11));
    }

    [Theory]
    [InlineData("untrusted")]
    [InlineData("untrusted-noncoherent")]
    [InlineData("untrusted-aligned")]
    [InlineData("untrusted-noncoherent-aligned")]
    public void Untrusted_device_finds_zeroes_around_its_bytes_whatever_was_there(string path)
    {
        using var rig = Small(path);
        var memory = rig.Memory.Allocate(Whole);
        memory.Span.Fill(0x77);
        foreach (var (at, length) in ((int, int)[])[(4000, 200), (1, 1), (2048, 2048), (100, 9000)])
        {
            Soil(rig, memory);
            using var mapping = rig.Dma.Map(memory.Slice(at, length), DmaDirection.Bidirectional);
            Check(rig, mapping, length, 0x77);
        }
    }

    [Theory]
    [InlineData("untrusted")]
    [InlineData("untrusted-noncoherent-aligned")]
    public void Managed_memory_of_an_untrusted_device_shares_its_pages_with_nothing(string path)
    {
        using var rig = Small(path);
        var memory = rig.Memory.Allocate(Whole);
        memory.Span.Fill(0x77);
        Soil(rig, memory);
        using var neighbour = rig.Dma.Map(memory.Slice(10, 100), DmaDirection.Bidirectional);
        var bytes = new byte[300];
        bytes.AsSpan().Fill(0x55);
        using var managed = rig.Dma.MapManaged(bytes, DmaDirection.Bidirectional);
        Assert.NotEqual(neighbour.Physical.Value >> 12, managed.Mapping.Physical.Value >> 12);
        Check(rig, managed.Mapping, 300, 0x55);
    }

    [Fact]
    public void Pieces_of_a_list_of_an_untrusted_device_share_pages_with_nothing()
    {
        using var rig = DmaRig.Make("untrusted");
        var memory = rig.Memory.Allocate(0x3000);
        memory.Span.Fill(0x66);
        MemoryBlock[] pieces = [memory.Slice(0x10, 0x20), memory.Slice(0x1000, 0x1000), memory.Slice(0x40, 0x20)];
        var segments = new DmaSegment[3];
        using var mapping = rig.Dma.MapScatter(pieces, segments, DmaDirection.Bidirectional);
        Assert.Equal(3, mapping.Segments.Length);
        Assert.Equal(3, segments.Select(segment => segment.Address.Value >> 12).Distinct().Count());
        var page = new byte[0x1000];
        rig.Read(segments[0].Address.AlignDown(0x1000), page);
        Assert.Equal(0x20, page.Count(value => value == 0x66));
        Assert.Equal(0x1000 - 0x20, page.Count(value => value == 0));
    }

    /// <summary>Another mapping leaves its bytes, and those of the device, in all slots.</summary>
    private static void Soil(DmaRig rig, MemoryBlock memory)
    {
        var status = rig.Dma.TryMap(memory.Slice(0, Whole - 0x1000 - 1), DmaDirection.Bidirectional, out var mapping);
        Assert.Equal(Status.Ok, status);
        var page = new byte[Whole - 0x1000];
        page.AsSpan().Fill(0x99);
        rig.Write(mapping.Address.AlignDown(0x1000), page);
        mapping.Unmap(DmaAttributes.SkipCpuSync);
    }

    /// <summary>All the pages that the device reaches through a mapping hold its bytes and zeroes.</summary>
    private static void Check(DmaRig rig, in DmaMapping mapping, int length, byte value)
    {
        var first = mapping.Address.AlignDown(0x1000);
        var pages = new byte[(int)((mapping.Address + (ulong)length).AlignUp(0x1000) - first)];
        rig.Read(first, pages);
        Assert.Equal(length, pages.Count(seen => seen == value));
        Assert.Equal(pages.Length - length, pages.Count(seen => seen == 0));
    }
}
