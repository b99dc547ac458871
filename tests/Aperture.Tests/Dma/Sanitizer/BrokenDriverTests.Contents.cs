using Aperture.Dma;
using Aperture.Dma.Sanitizer;

namespace Aperture.Tests.Dma.Sanitizer;

// Who touched which bytes when.
public sealed partial class BrokenDriverTests
{
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
        _rig.Single(FindingKind.CpuReadBeforeSync, _rig.Behind, mapping.Address, 16);
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
