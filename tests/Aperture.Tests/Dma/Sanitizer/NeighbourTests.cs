using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Dma.Operations;
using Aperture.Dma.Sanitizer;
using Aperture.Iommu;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Dma.Sanitizer;

/// <summary>The rules at their ends: pieces of lists, the pages inside of a mapping, the limit itself, the last of several units, the next
/// driver.</summary>
public sealed class NeighbourTests : IDisposable
{
    private readonly SanitizedRig _rig = new();

    public void Dispose() => _rig.Dispose();

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Pieces_of_a_list_share_lines_too(bool isFirstList, bool isSecondList)
    {
        using var rig = DmaRig.Make("direct-noncoherent", chaos: 5, isSanitized: true);
        var block = rig.Memory.Allocate(0x1000);
        Map(0, 96, isFirstList);
        var second = Map(96, 32, isSecondList);
        var finding = Assert.Single(rig.Sanitizer!.Findings);
        Assert.True((FindingKind.SharedCacheLine, second, 32ul) == (finding.Kind, finding.Address, finding.Length), finding.ToString());

        Iova Map(int offset, int length, bool isList)
        {
            if (!isList)
                return rig.Dma.Map(block.Slice(offset, length), DmaDirection.FromDevice).Address;
            return rig.Dma.MapScatter([block.Slice(offset, length)], new DmaSegment[1], DmaDirection.FromDevice).Segments[0].Address;
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void A_mapping_inside_of_a_longer_one_is_found_in_every_page(int page)
    {
        var block = _rig.Memory.Allocate(0x5000);
        using var inner = _rig.Direct.Dma.Map(block.Slice((page * 0x1000) + 0x200, 64), DmaDirection.FromDevice);
        using var outer = _rig.Direct.Dma.Map(block, DmaDirection.FromDevice);
        _rig.Single(FindingKind.OverlappingMappings, _rig.Direct, outer.Address + (ulong)((page * 0x1000) + 0x200), 64);
    }

    [Theory]
    [InlineData(0x8000)]
    [InlineData(0x1_0000)]
    public void A_segment_may_be_as_long_as_the_limit(int limit)
    {
        _rig.Direct.Dma.SetMaxSegmentSize((uint)limit);
        var block = _rig.Memory.Allocate(limit + 0x1000);
        using (_rig.Direct.Dma.MapScatter([block.Slice(0, limit)], new DmaSegment[1], DmaDirection.ToDevice))
            _rig.Sanitizer.AssertClean();
        using var over = _rig.Direct.Dma.MapScatter([block.Slice(0, limit + 1)], new DmaSegment[1], DmaDirection.ToDevice);
        _rig.Single(FindingKind.SegmentTooLong, _rig.Direct, over.Segments[0].Address, (ulong)limit + 1);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Any_of_a_masters_units_may_be_the_one_that_sleeps(int off)
    {
        using var memory = new FakeMemory();
        var platform = new DmaPlatform(memory, new ManualTime());
        using var sanitizer = DmaSanitizer.Watch(platform, memory.Memory);
        var core = new IommuCore(memory) { DefaultDomainType = DomainType.Dma };
        var units = Enumerable.Range(0, 3).Select(number => new FakeUnit(new Device($"u{number}"))).ToArray();
        foreach (var unit in units)
        {
            core.Register(unit);
            unit.Device.Power.Get();
        }

        var device = new Device("behind");
        core.Configure(device, [.. units.Select(unit => new IommuSpecifier(unit.Device.Key, unit.Device.Name, [1]))]);
        DmaAttach.Attach(device, core, platform);
        var block = memory.Allocate(64);
        using var mapping = device.Dma.Map(block, DmaDirection.FromDevice);
        sanitizer.OnWrite(device, mapping.Address, block.Address, [0], AccessOutcome.Done);
        Assert.Empty(sanitizer.Findings);
        units[off].Device.Power.Put();
        sanitizer.OnWrite(device, mapping.Address, block.Address, [0], AccessOutcome.Done);
        var finding = Assert.Single(sanitizer.Findings);
        Assert.Equal(FindingKind.DeviceSuspended, finding.Kind);
        Assert.Contains($"IOMMU u{off} ", finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_map_that_failed_for_one_driver_is_not_the_next_ones()
    {
        _rig.Direct.Dma.SetMask(24);
        _ = _rig.Direct.Dma.TryMap(_rig.Memory.Allocate(64), DmaDirection.FromDevice, out var mapping);
        Assert.False(_rig.Write(_rig.Direct, mapping.Address, 1));
        _rig.Single(FindingKind.FailedMappingUsed, _rig.Direct, mapping.Address, 1);
        _rig.Sanitizer.Clear();
        _rig.Direct.Dma.Detach();
        DmaAttach.Attach(_rig.Direct, _rig.Core, _rig.Platform);
        _rig.Write(_rig.Direct, mapping.Address, 1);
        Assert.DoesNotContain(_rig.Sanitizer.Findings, finding => finding.Kind == FindingKind.FailedMappingUsed);
        Assert.NotEmpty(_rig.Sanitizer.Findings);
    }
}
