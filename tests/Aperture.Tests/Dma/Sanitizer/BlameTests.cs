using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Sanitizer;

namespace Aperture.Tests.Dma.Sanitizer;

/// <summary>Mistakes that were laid at the wrong door once.</summary>
public sealed class BlameTests : IDisposable
{
    private readonly SanitizedRig _rig = new();

    public void Dispose() => _rig.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_stale_copy_of_a_mapping_is_blamed_and_not_the_one_who_has_its_address(bool isBehind)
    {
        var device = isBehind ? _rig.Behind : _rig.Direct;
        var block = _rig.Memory.Allocate(0x1000);
        var stale = device.Dma.Map(block, DmaDirection.FromDevice);
        stale.Unmap();
        var next = device.Dma.Map(block, DmaDirection.FromDevice);
        Assert.Equal(stale.Address, next.Address);
        stale.Dispose();
        var finding = _rig.Single(FindingKind.DoubleUnmap, device, stale.Address, 0x1000);
        Assert.Equal("BlameTests.cs", Path.GetFileName(finding.Where.File));
        Assert.True(finding.Mapping!.Value.EndedAt < finding.At);
        Assert.Contains("the address is that of another mapping since", finding.Message, StringComparison.Ordinal);
        _rig.Write(device, next.Address, 1); // refused where the stale copy ended it: no second mistake
        next.SyncForCpu();
        _rig.Sanitizer.Clear();
        if (isBehind)
            Assert.Throws<ApertureException>(() => next.Dispose()); // the stale copy has ended it
        else
            next.Dispose();
        _rig.Sanitizer.AssertClean();
        Assert.Equal(0, _rig.Sanitizer.LiveMappings);
    }

    [Fact]
    public void A_stale_copy_is_synced()
    {
        var block = _rig.Memory.Allocate(0x1000);
        var stale = _rig.Direct.Dma.Map(block, DmaDirection.FromDevice);
        stale.Unmap();
        using var next = _rig.Direct.Dma.Map(block, DmaDirection.FromDevice);
        stale.SyncForCpu(0, 64);
        _rig.Single(FindingKind.SyncOutsideMapping, _rig.Direct, stale.Address, 64);
        _rig.Sanitizer.Clear();
        _ = block.Slice(0, 64).Span[0]; // the sync was not that of the mapping
        _rig.Single(FindingKind.CpuReadBeforeSync, _rig.Direct, next.Address, 64);
    }

    [Fact]
    public void One_check_of_a_failed_map_forgets_that_one()
    {
        _rig.Direct.Dma.SetMask(24);
        _ = _rig.Direct.Dma.TryMap(_rig.Memory.Allocate(64), DmaDirection.FromDevice, out var first);
        _ = _rig.Direct.Dma.TryMap(_rig.Memory.Allocate(128), DmaDirection.FromDevice, out var second);
        Assert.False(second.IsMapped);
        second.Unmap();
        _rig.Sanitizer.AssertClean();
        first.Unmap();
        var finding = _rig.Single(FindingKind.FailedMappingUsed, _rig.Direct, first.Address, 64);
        Assert.Equal(64ul, finding.Mapping!.Value.Length);
    }

    [Fact]
    public void The_end_of_a_using_has_a_line()
    {
        DmaMapping mapping;
        using (mapping = _rig.Behind.Dma.Map(_rig.Memory.Allocate(0x1000), DmaDirection.FromDevice))
            Assert.True(_rig.Write(_rig.Behind, mapping.Address, 1));
        var other = _rig.Behind.Dma.Map(_rig.Memory.Allocate(0x4000), DmaDirection.FromDevice);
        other.Dispose();
        _rig.Write(_rig.Behind, mapping.Address, 1);
        _rig.Write(_rig.Behind, other.Address + 0x2000, 1);
        foreach (var finding in _rig.Sanitizer.Findings)
        {
            var record = finding.Mapping!.Value;
            Assert.Equal("BlameTests.cs", Path.GetFileName(record.Ended.File));
            Assert.InRange(record.Ended.Line, record.Made.Line, record.Made.Line + 2);
        }

        Assert.Equal(2, _rig.Sanitizer.Findings.Count);
    }

    [Fact]
    public void Findings_of_one_line_are_told_for_each_buffer()
    {
        var blocks = Enumerable.Range(0, 3).Select(_ => _rig.Memory.Allocate(0x1000)).ToArray();
        for (var i = 0; i < 6; i++)
        {
            using var mapping = _rig.Behind.Dma.Map(blocks[i % 3].Slice(0, 64), DmaDirection.FromDevice);
            _rig.Write(_rig.Behind, mapping.Address + 64, 1);
        }

        Assert.Equal([2, 2, 2], _rig.Sanitizer.Findings.Select(finding => finding.Count));
    }

    [Fact]
    public void Every_finding_has_a_line()
    {
        _rig.Direct.Dma.Map(_rig.Memory.Allocate(64), DmaDirection.ToDevice).Dispose();
        Assert.True(_rig.Write(_rig.Direct, new Iova(_rig.Memory.Allocate(64).Address.Value), 1)); // of nobody
        using var mapping = _rig.Behind.Dma.Map(_rig.Memory.Allocate(64), DmaDirection.FromDevice);
        _rig.Unit.Device.Power.Put();
        _rig.Write(_rig.Behind, mapping.Address, 1);
        Assert.Equal([FindingKind.DeviceUseOfUnmapped, FindingKind.DeviceSuspended],
            _rig.Sanitizer.Findings.Select(finding => finding.Kind));
        Assert.All(_rig.Sanitizer.Findings, finding => Assert.True(
            finding.Where.IsKnown || finding.Mapping is { Made.IsKnown: true }, finding.ToString()));
    }
}
