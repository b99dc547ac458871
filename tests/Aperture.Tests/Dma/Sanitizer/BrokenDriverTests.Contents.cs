using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Dma.Sanitizer;

namespace Aperture.Tests.Dma.Sanitizer;

// Who touched which bytes when.
public sealed unsafe partial class BrokenDriverTests
{
    /// <summary>As a span does that was taken before.</summary>
    private static void WriteUnseen(MemoryBlock block, int at) => block.Pointer[at] ^= 0xFF;

    [Fact]
    public void Cpu_writes_after_the_map_and_the_device_reads()
    {
        var block = _rig.Memory.Allocate(4096);
        using var mapping = _rig.Behind.Dma.Map(block.Slice(0x100, 0x200), DmaDirection.ToDevice);
        block.Slice(0x120, 3).Span.Fill(7);
        _rig.Read(_rig.Behind, mapping.Address, 0x200);
        var finding = _rig.Single(FindingKind.CpuWriteWithoutSync, _rig.Behind, mapping.Address + 0x20, 3);
        Assert.Equal("BrokenDriverTests.Contents.cs", Path.GetFileName(finding.Mapping!.Value.Made.File));
        Assert.True(finding.Mapping.Value.Made.Line > 0);
    }

    [Fact]
    public void Cpu_writes_after_the_map_and_the_device_writes()
    {
        var block = _rig.Memory.Allocate(4096);
        var bytes = block.Span;
        using var mapping = _rig.Behind.Dma.Map(block, DmaDirection.FromDevice);
        bytes[5] = 1;
        _rig.Write(_rig.Behind, mapping.Address, new byte[64]);
        _rig.Single(FindingKind.CpuWriteWithoutSync, _rig.Behind, mapping.Address + 5, 1);
    }

    [Fact]
    public void Cpu_writes_after_the_map_and_it_shows_at_the_unmap()
    {
        var block = _rig.Memory.Allocate(0x3000);
        var bytes = block.Span;
        var mapping = _rig.Direct.Dma.Map(block, DmaDirection.Bidirectional);
        bytes[0x2345] = 1;
        mapping.Unmap();
        var finding = _rig.Single(FindingKind.CpuWriteWithoutSync, _rig.Direct, mapping.Address + 0x2345, 1);
        Assert.True(finding.Where.IsKnown);
    }

    [Fact]
    public void Cpu_writes_and_a_sync_for_the_cpu_comes_too_late()
    {
        var block = _rig.Memory.Allocate(4096);
        var bytes = block.Span;
        using var mapping = _rig.Behind.Dma.Map(block, DmaDirection.Bidirectional);
        bytes[9] = 1;
        mapping.SyncForCpu(0, 64);
        _rig.Single(FindingKind.CpuWriteWithoutSync, _rig.Behind, mapping.Address + 9, 1);
    }

    [Fact]
    public void Cpu_writes_after_a_sync_and_does_not_give_the_bytes_back()
    {
        var block = _rig.Memory.Allocate(4096);
        using var mapping = _rig.Behind.Dma.Map(block, DmaDirection.Bidirectional);
        mapping.SyncForCpu(64, 64);
        block.Slice(64, 64).Span[1] = 9;
        _rig.Read(_rig.Behind, mapping.Address, 256);
        var finding = _rig.Single(FindingKind.CpuWriteWithoutSync, _rig.Behind, mapping.Address + 65, 1);
        Assert.Contains("did not give them back", finding.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(DmaDirection.FromDevice)]
    [InlineData(DmaDirection.Bidirectional)]
    public void Cpu_looks_before_the_sync(DmaDirection direction)
    {
        var block = _rig.Memory.Allocate(4096);
        using var mapping = _rig.Behind.Dma.Map(block, direction);
        _rig.Write(_rig.Behind, mapping.Address, 1, 2, 3);
        _ = block.Slice(0, 16).Span[0];
        var finding = _rig.Single(FindingKind.CpuReadBeforeSync, _rig.Behind, mapping.Address, 16);
        Assert.Equal("BrokenDriverTests.Contents.cs", Path.GetFileName(finding.Where.File));
        Assert.True(finding.Where.Line > finding.Mapping!.Value.Made.Line);
    }

    [Fact]
    public void Cpu_looks_beyond_the_sync()
    {
        var block = _rig.Memory.Allocate(4096);
        using var mapping = _rig.Behind.Dma.Map(block, DmaDirection.FromDevice);
        mapping.SyncForCpu(0, 64);
        _ = block.Slice(0, 64).Span[0];
        Assert.Empty(_rig.Sanitizer.Findings);
        _ = block.Slice(64, 64).Span[0];
        _rig.Single(FindingKind.CpuReadBeforeSync, _rig.Behind, mapping.Address + 64, 64);
    }

    [Theory]
    [InlineData(DmaDirection.ToDevice)]
    [InlineData(DmaDirection.FromDevice)]
    [InlineData(DmaDirection.Bidirectional)]
    public void Cpu_writes_to_managed_memory_that_the_device_owns(DmaDirection direction)
    {
        var bytes = new byte[300];
        Iova address;
        using (var managed = _rig.Behind.Dma.MapManaged(bytes, direction))
        {
            address = managed.Mapping.Address;
            if (direction != DmaDirection.ToDevice)
                _rig.Write(_rig.Behind, address, 1, 2, 3);
            managed.Mapping.SyncForCpu(0, 100);
            bytes[50] = 9;
            managed.Mapping.SyncForDevice(0, 100);
            if (direction != DmaDirection.FromDevice)
                _rig.Read(_rig.Behind, address, 300);
            _rig.Sanitizer.AssertClean();
            bytes[200] = 1;
        }

        _rig.Single(FindingKind.CpuWriteWithoutSync, _rig.Behind, address + 200, 1);
        Assert.Equal(direction == DmaDirection.ToDevice ? (0, 1) : (1, 0), (bytes[0], bytes[200])); // what the CPU wrote is gone
    }

    [Fact]
    public void Cpu_writes_to_a_piece_that_the_device_owns()
    {
        using var buffer = _rig.Behind.Dma.AllocateNoncontiguous(0x3000, DmaDirection.Bidirectional, DmaAttributes.AllocSinglePages);
        buffer.SyncForCpu();
        buffer.Pieces[1].Span[3] = 1;
        buffer.SyncForDevice();
        _rig.Sanitizer.AssertClean();
        // the end of one piece, the beginning of the next
        _rig.Behind.Dma.SyncForCpu(buffer.Address + 0x0FF0, 0x20, DmaDirection.Bidirectional);
        buffer.Pieces[0].Slice(0xFF0, 16).Span.Fill(5);
        buffer.Pieces[1].Slice(0, 16).Span.Fill(5);
        _rig.Behind.Dma.SyncForDevice(buffer.Address + 0x0FF0, 0x20, DmaDirection.Bidirectional);
        _rig.Read(_rig.Behind, buffer.Address, 0x3000);
        _rig.Sanitizer.AssertClean();
        WriteUnseen(buffer.Pieces[2], 7);
        _rig.Read(_rig.Behind, buffer.Address, 0x3000);
        var finding = _rig.Single(FindingKind.CpuWriteWithoutSync, _rig.Behind, buffer.Address + 0x2007, 1);
        Assert.StartsWith("BrokenDriverTests.Contents.cs:", finding.Mapping!.Value.Made.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Cpu_looks_at_a_piece_before_the_sync()
    {
        using var buffer = _rig.Behind.Dma.AllocateNoncontiguous(0x2000, DmaDirection.FromDevice, DmaAttributes.AllocSinglePages);
        _rig.Behind.Dma.SyncForCpu(buffer.Address, 0x1000, DmaDirection.FromDevice);
        _ = buffer.Pieces[0].Span[0];
        _rig.Sanitizer.AssertClean();
        _ = buffer.Pieces[1].Slice(0, 64).Span[0];
        _rig.Single(FindingKind.CpuReadBeforeSync, _rig.Behind, buffer.Address + 0x1000, 64);
    }

    [Fact]
    public void Pieces_are_synced_beyond_their_end_and_as_if_they_went_the_other_way()
    {
        using var buffer = _rig.Behind.Dma.AllocateNoncontiguous(0x2000, DmaDirection.FromDevice, DmaAttributes.AllocSinglePages);
        _rig.Behind.Dma.SyncForCpu(buffer.Address + 0x1000, 0x1001, DmaDirection.FromDevice);
        _rig.Single(FindingKind.SyncOutsideMapping, _rig.Behind, buffer.Address + 0x1000, 0x1001);
        _rig.Sanitizer.Clear();
        _rig.Behind.Dma.SyncForCpu(buffer.Address + 0x1000, 0x10, DmaDirection.ToDevice);
        _rig.Single(FindingKind.WrongDirection, _rig.Behind, buffer.Address + 0x1000, 0x10);
    }

    [Theory]
    [InlineData("mapping")]
    [InlineData("address")]
    [InlineData("scatter")]
    public void Cpu_write_is_lost_by_the_sync_of_a_bounce_buffer(string how)
    {
        using var rig = new SanitizedRig(bounce: true);
        var block = rig.Memory.Allocate(4096);
        var bytes = block.Span;
        if (how == "scatter")
        {
            using var list = rig.Direct.Dma.MapScatter([block], new DmaSegment[1], DmaDirection.FromDevice);
            rig.Write(rig.Direct, list.Segments[0].Address, new byte[64]);
            bytes[77] = 1;
            list.SyncForCpu();
            rig.Single(FindingKind.CpuWriteWithoutSync, rig.Direct, list.Segments[0].Address + 77, 1);
            return;
        }

        using var mapping = rig.Direct.Dma.Map(block, DmaDirection.FromDevice);
        rig.Write(rig.Direct, mapping.Address, new byte[64]);
        bytes[77] = 1;
        if (how == "mapping")
            mapping.SyncForCpu(64, 64);
        else
            rig.Direct.Dma.SyncForCpu(mapping.Address + 64, 64, DmaDirection.FromDevice);
        Assert.Equal(0, bytes[77]); // gone
        var finding = rig.Single(FindingKind.CpuWriteWithoutSync, rig.Direct, mapping.Address + 77, 1);
        Assert.Contains("before it was synced for the CPU", finding.Message, StringComparison.Ordinal);
        Assert.True(finding.Where.IsKnown);
    }

    [Fact]
    public void Device_uses_a_scatterlist_after_the_sync_of_bounce_buffers_and_nothing_is_found()
    {
        using var rig = new SanitizedRig(bounce: true);
        var block = rig.Memory.Allocate(4096);
        using var list = rig.Direct.Dma.MapScatter([block], new DmaSegment[1], DmaDirection.Bidirectional);
        rig.Write(rig.Direct, list.Segments[0].Address, 1, 2, 3);
        list.SyncForCpu();
        rig.Read(rig.Direct, list.Segments[0].Address, 4096);
        rig.Sanitizer.AssertClean();
    }

    [Fact]
    public void Cpu_write_is_lost_in_a_bounce_buffer()
    {
        using var rig = new SanitizedRig(bounce: true);
        var block = rig.Memory.Allocate(4096);
        using var mapping = rig.Direct.Dma.Map(block, DmaDirection.ToDevice);
        block.Span[77] = 1;
        rig.Read(rig.Direct, mapping.Address, 4096);
        var finding = rig.Single(FindingKind.CpuWriteWithoutSync, rig.Direct, mapping.Address + 77, 1);
        Assert.True(finding.Mapping!.Value.IsBounced);
    }
}
