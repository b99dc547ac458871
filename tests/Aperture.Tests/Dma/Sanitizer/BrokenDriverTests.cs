using System.IO.MemoryMappedFiles;
using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Dma.Sanitizer;

namespace Aperture.Tests.Dma.Sanitizer;

/// <summary>Drivers that are broken on purpose, one for each kind of mistake. Each is found: the right kind, device and bytes.</summary>
public sealed unsafe partial class BrokenDriverTests : IDisposable
{
    private readonly SanitizedRig _rig = new();

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void Double_unmap()
    {
        var mapping = _rig.Direct.Dma.Map(_rig.Memory.Allocate(100), DmaDirection.ToDevice);
        mapping.Unmap();
        mapping.Unmap();
        var finding = _rig.Single(FindingKind.DoubleUnmap, _rig.Direct, mapping.Address, 100);
        Assert.NotEqual(finding.Where, finding.Mapping!.Value.Ended);
    }

    [Fact]
    public void Unmap_of_what_was_never_mapped() => Expect(
        FindingKind.UnmapOfUnmapped, new Iova(0x1234000), 64,
            new DmaEvent { Kind = DmaEventKind.Unmap, Address = new Iova(0x1234000), Length = 64 });

    [Fact]
    public void Unmap_in_the_middle()
    {
        var mapping = _rig.Behind.Dma.Map(_rig.Memory.Allocate(4096), DmaDirection.ToDevice);
        Expect(FindingKind.UnmapOfUnmapped, mapping.Address + 64, 64,
            new DmaEvent { Kind = DmaEventKind.Unmap, Address = mapping.Address + 64, Length = 64 });
    }

    [Fact]
    public void Wrong_size()
    {
        var mapping = _rig.Behind.Dma.Map(_rig.Memory.Allocate(4096), DmaDirection.ToDevice);
        Expect(FindingKind.WrongSize, mapping.Address, 4096,
            new DmaEvent { Kind = DmaEventKind.Unmap, Address = mapping.Address, Length = 2048, Direction = DmaDirection.ToDevice });
    }

    [Fact]
    public void Wrong_direction()
    {
        var mapping = _rig.Behind.Dma.Map(_rig.Memory.Allocate(4096), DmaDirection.ToDevice);
        Expect(FindingKind.WrongDirection, mapping.Address, 4096,
            new DmaEvent { Kind = DmaEventKind.Unmap, Address = mapping.Address, Length = 4096, Direction = DmaDirection.FromDevice });
    }

    [Fact]
    public void Wrong_direction_of_a_sync()
    {
        using var mapping = _rig.Behind.Dma.Map(_rig.Memory.Allocate(4096), DmaDirection.FromDevice);
        _rig.Behind.Dma.SyncForCpu(mapping.Address + 8, 8, DmaDirection.ToDevice);
        _rig.Single(FindingKind.WrongDirection, _rig.Behind, mapping.Address + 8, 8);
    }

    [Fact]
    public void Wrong_device()
    {
        var mapping = _rig.Behind.Dma.Map(_rig.Memory.Allocate(4096), DmaDirection.ToDevice);
        var call = new DmaEvent { Kind = DmaEventKind.Unmap, Address = mapping.Address, Length = 4096, Direction = DmaDirection.ToDevice };
        _rig.Sanitizer.OnCall(_rig.Direct.Dma, call);
        var finding = _rig.Single(FindingKind.WrongDevice, _rig.Direct, mapping.Address, 4096);
        Assert.Equal("behind", finding.Mapping!.Value.Device);
    }

    [Fact]
    public void Wrong_api()
    {
        var mapping = _rig.Behind.Dma.Map(_rig.Memory.Allocate(4096), DmaDirection.Bidirectional);
        Expect(FindingKind.WrongApi, mapping.Address, 4096,
            new DmaEvent { Kind = DmaEventKind.Free, Address = mapping.Address, Length = 4096 });
    }

    [Fact]
    public void Coherent_memory_is_synced()
    {
        using var buffer = _rig.Behind.Dma.Allocate(4096);
        _rig.Behind.Dma.SyncForDevice(buffer.Address, 64, DmaDirection.Bidirectional);
        _rig.Single(FindingKind.WrongApi, _rig.Behind, buffer.Address, 64);
    }

    [Fact]
    public void Coherent_memory_is_mapped()
    {
        using var buffer = _rig.Behind.Dma.Allocate(4096);
        using var mapping = _rig.Behind.Dma.Map(buffer.Memory.Slice(0, 64), DmaDirection.ToDevice);
        _rig.Single(FindingKind.WrongApi, _rig.Behind, mapping.Address, 64);
    }

    [Fact]
    public void Scatterlist_is_unmapped_with_another_count()
    {
        MemoryBlock[] pieces = [_rig.Memory.Allocate(4096), _rig.Memory.Allocate(4096), _rig.Memory.Allocate(4096)];
        var mapping = _rig.Behind.Dma.MapScatter(pieces, new DmaSegment[3], DmaDirection.ToDevice);
        var address = mapping.Segments[0].Address;
        _rig.Sanitizer.OnCall(_rig.Behind.Dma,
            new DmaEvent
            {
                Kind = DmaEventKind.UnmapScatter,
                Memory = pieces.AsSpan(0, 2),
                Segments = mapping.Segments,
                Direction = DmaDirection.ToDevice
            });
        _rig.Single(FindingKind.ScatterCount, _rig.Behind, address, 4096);
        Assert.Equal(0, _rig.Sanitizer.LiveMappings);
    }

    [Fact]
    public void Scatterlist_is_synced_with_another_count()
    {
        MemoryBlock[] pieces = [_rig.Memory.Allocate(4096), _rig.Memory.Allocate(4096)];
        using var mapping = _rig.Behind.Dma.MapScatter(pieces, new DmaSegment[2], DmaDirection.FromDevice);
        _rig.Sanitizer.OnCall(_rig.Behind.Dma,
            new DmaEvent
            {
                Kind = DmaEventKind.SyncScatterForCpu,
                Memory = pieces.AsSpan(0, 1),
                Segments = mapping.Segments,
                Direction = DmaDirection.FromDevice
            });
        _rig.Single(FindingKind.ScatterCount, _rig.Behind, mapping.Segments[0].Address, 4096);
    }

    [Theory]
    [InlineData(4000, 200)]
    [InlineData(8192, 64)]
    public void Sync_outside_the_mapping(ulong offset, ulong length)
    {
        using var mapping = _rig.Behind.Dma.Map(_rig.Memory.Allocate(4096), DmaDirection.FromDevice);
        _rig.Behind.Dma.SyncForCpu(mapping.Address + offset, length, DmaDirection.FromDevice);
        _rig.Single(FindingKind.SyncOutsideMapping, _rig.Behind, mapping.Address + offset, length);
    }

    [Fact]
    public void Sync_after_the_unmap()
    {
        var mapping = _rig.Direct.Dma.Map(_rig.Memory.Allocate(4096), DmaDirection.FromDevice);
        mapping.Unmap();
        mapping.SyncForCpu(0, 64);
        _rig.Single(FindingKind.SyncOutsideMapping, _rig.Direct, mapping.Address, 64);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Sync_and_unmap_of_a_bounce_buffer_after_the_unmap(bool isSync)
    {
        using var rig = new SanitizedRig(bounce: true);
        var mapping = rig.Direct.Dma.Map(rig.Memory.Allocate(64), DmaDirection.FromDevice);
        mapping.Unmap();
        Assert.Throws<ApertureException>(() =>
        {
            if (isSync)
                mapping.SyncForCpu();
            else
                mapping.Unmap();
        });
        rig.Single(isSync ? FindingKind.SyncOutsideMapping : FindingKind.DoubleUnmap, rig.Direct, mapping.Address, 64);
    }

    [Fact]
    public void Overlapping_mappings()
    {
        var block = _rig.Memory.Allocate(4096);
        using var first = _rig.Behind.Dma.Map(block.Slice(0, 512), DmaDirection.FromDevice);
        using var second = _rig.Behind.Dma.Map(block.Slice(256, 512), DmaDirection.ToDevice);
        var finding = _rig.Single(FindingKind.OverlappingMappings, _rig.Behind, second.Address, 256);
        Assert.Equal(first.Address, finding.Mapping!.Value.Address);
    }

    [Fact]
    public void Memory_from_the_stack()
    {
        var bytes = stackalloc byte[64];
        using var mapping = _rig.Direct.Dma.Map(new MemoryBlock(bytes, new PhysicalAddress(Fakes.FakeMemory.Base), 64),
            DmaDirection.ToDevice);
        _rig.Single(FindingKind.StackMemory, _rig.Direct, mapping.Address, 64);
    }

    [Fact]
    public void Memory_that_moves()
    {
        fixed (byte* bytes = new byte[64])
        {
            using var mapping = _rig.Direct.Dma.Map(new MemoryBlock(bytes, new PhysicalAddress(Fakes.FakeMemory.Base), 64),
                DmaDirection.ToDevice);
            _rig.Single(FindingKind.MovableMemory, _rig.Direct, mapping.Address, 64);
        }
    }

    [Fact]
    public void Memory_that_cannot_be_written()
    {
        var path = Path.GetTempFileName();
        File.WriteAllBytes(path, new byte[4096]);
        using (var file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read))
        using (var view = file.CreateViewAccessor(0, 4096, MemoryMappedFileAccess.Read))
        {
            byte* bytes = null;
            view.SafeMemoryMappedViewHandle.AcquirePointer(ref bytes);
            using var mapping = _rig.Direct.Dma.Map(new MemoryBlock(bytes, new PhysicalAddress(Fakes.FakeMemory.Base), 64),
                DmaDirection.ToDevice);
            _rig.Single(FindingKind.ReadOnlyMemory, _rig.Direct, mapping.Address, 64);
            view.SafeMemoryMappedViewHandle.ReleasePointer();
        }

        File.Delete(path);
    }

    [Fact]
    public void Segment_is_too_long()
    {
        var block = _rig.Memory.Allocate(128 << 10);
        var mapping = _rig.Direct.Dma.MapScatter([block], new DmaSegment[1], DmaDirection.ToDevice);
        _rig.Single(FindingKind.SegmentTooLong, _rig.Direct, mapping.Segments[0].Address, 128 << 10);
        mapping.Dispose();
    }

    [Fact]
    public void Segment_crosses_the_boundary()
    {
        _rig.Direct.Dma.SetSegmentBoundary(0x1FFF);
        var block = _rig.Memory.Allocate(0x4000).Slice(0x1800, 0x1000);
        var mapping = _rig.Direct.Dma.MapScatter([block], new DmaSegment[1], DmaDirection.ToDevice);
        _rig.Single(FindingKind.SegmentAcrossBoundary, _rig.Direct, mapping.Segments[0].Address, 0x1000);
        mapping.Dispose();
    }

    [Fact]
    public void Memory_is_freed_while_it_is_mapped()
    {
        var block = _rig.Memory.Allocate(8192);
        var mapping = _rig.Behind.Dma.Map(block.Slice(0x100, 0x1800), DmaDirection.FromDevice);
        _rig.Memory.Free(block);
        var finding = _rig.Single(FindingKind.FreedWhileMapped, _rig.Behind, mapping.Address, 0x1800);
        Assert.Equal(("BrokenDriverTests.cs", "BrokenDriverTests.cs"),
            (Path.GetFileName(finding.Where.File), Path.GetFileName(finding.Mapping!.Value.Made.File)));
        Assert.True(finding.Where.Line > finding.Mapping.Value.Made.Line);

        // The next owner may do what it wants with the memory; the mistake is told once.
        var again = _rig.Memory.Allocate(8192);
        Assert.Equal(block.Address, again.Address);
        again.Span.Fill(1);
        using (_rig.Behind.Dma.Map(again, DmaDirection.Bidirectional))
            _rig.Write(_rig.Behind, mapping.Address, 1);
        mapping.Unmap();
        _rig.Memory.Free(again);
        Assert.Single(_rig.Sanitizer.Findings);
    }

    [Fact]
    public void Memory_of_another_machine_with_the_same_addresses_is_no_concern()
    {
        using var other = new SanitizedRig();
        using var mapping = _rig.Direct.Dma.Map(_rig.Memory.Allocate(4096), DmaDirection.FromDevice);
        other.Memory.Free(other.Memory.Allocate(4096));
        _rig.Sanitizer.AssertClean();
    }

    [Fact]
    public void A_part_of_what_is_freed_is_mapped()
    {
        var block = _rig.Memory.Allocate(0x3000);
        using var mapping = _rig.Direct.Dma.Map(block.Slice(0x800, 0x2000), DmaDirection.ToDevice);
        _rig.Memory.Free(block.Slice(0, 0x1000));
        _rig.Single(FindingKind.FreedWhileMapped, _rig.Direct, mapping.Address, 0x800);
    }

    [Fact]
    public void Coherent_memory_is_freed_as_if_it_were_the_driver_s()
    {
        var buffer = _rig.Behind.Dma.Allocate(4096);
        _rig.Memory.Free(buffer.Memory);
        _rig.Single(FindingKind.FreedWhileMapped, _rig.Behind, buffer.Address, 4096);
    }

    [Fact]
    public void Coherent_buffer_is_freed_while_a_user_has_it()
    {
        var buffer = _rig.Behind.Dma.Allocate(4096);
        using var view = buffer.MapToUser(0, 4096);
        buffer.Dispose();
        _rig.Single(FindingKind.FreedWhileMappedToUser, _rig.Behind, buffer.Address, 4096);
    }

    [Fact]
    public void Two_devices_reach_one_page()
    {
        var page = _rig.Memory.Allocate(4096);
        using var first = _rig.Behind.Dma.Map(page.Slice(0, 256), DmaDirection.ToDevice);
        using var second = _rig.Other.Dma.Map(page.Slice(2048, 256), DmaDirection.FromDevice);
        var finding = _rig.Single(FindingKind.NeighbourReachable, _rig.Other, second.Address, 256);
        Assert.Equal("behind", finding.Mapping!.Value.Device);
    }

    [Fact]
    public void Too_many_mappings()
    {
        using var rig = new SanitizedRig(new SanitizerOptions { MaxMappings = 2 });
        var mappings = Enumerable.Range(0, 4).Select(_ => rig.Behind.Dma.Map(rig.Memory.Allocate(64), DmaDirection.ToDevice)).ToArray();
        foreach (var mapping in mappings)
            mapping.Dispose();
        rig.Single(FindingKind.TooManyMappings, rig.Behind, mappings[2].Address, 64);
    }

    private void Expect(FindingKind kind, Iova address, ulong length, in DmaEvent call)
    {
        _rig.Sanitizer.OnCall(_rig.Behind.Dma, call);
        _rig.Single(kind, _rig.Behind, address, length);
    }
}
