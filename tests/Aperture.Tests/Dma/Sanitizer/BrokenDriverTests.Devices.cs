using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Sanitizer;
using Aperture.Dma.Shared;
using Aperture.Iommu;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Dma.Sanitizer;

// What the devices were told to do.
public sealed partial class BrokenDriverTests
{
    [Fact]
    public void Device_writes_behind_the_end_but_inside_the_page()
    {
        var block = _rig.Memory.Allocate(4096).Slice(0, 0x200);
        using var mapping = _rig.Behind.Dma.Map(block, DmaDirection.FromDevice);
        Assert.True(_rig.Write(_rig.Behind, mapping.Address + 0x1F0, new byte[0x20]));
        var finding = _rig.Single(FindingKind.DeviceOutsideMapping, _rig.Behind, mapping.Address + 0x200, 0x10);
        Assert.Equal(mapping.Address, finding.Mapping!.Value.Address);
        Assert.Contains("right behind the end", finding.Message, StringComparison.Ordinal);
        Assert.False(finding.Where.IsKnown); // the device did it
    }

    [Fact]
    public void Device_reads_before_the_start()
    {
        var block = _rig.Memory.Allocate(4096).Slice(0x100, 0x200);
        using var mapping = _rig.Behind.Dma.Map(block, DmaDirection.ToDevice);
        Assert.True(_rig.Read(_rig.Behind, mapping.Address - 8, 16));
        Assert.Contains("right before the start",
            _rig.Single(FindingKind.DeviceOutsideMapping, _rig.Behind, mapping.Address - 8, 8).Message, StringComparison.Ordinal);
        _rig.Sanitizer.Clear();
        Assert.True(_rig.Read(_rig.Behind, mapping.Address - 0x20, 0x10));
        Assert.Contains("0x10 bytes before the start",
            _rig.Single(FindingKind.DeviceOutsideMapping, _rig.Behind, mapping.Address - 0x20, 0x10).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Neighbours_on_the_page_are_named()
    {
        var page = _rig.Memory.Allocate(4096);
        using var first = _rig.Direct.Dma.Map(page.Slice(0, 0x100), DmaDirection.FromDevice);
        using var second = _rig.Direct.Dma.Map(page.Slice(0x800, 0x100), DmaDirection.ToDevice);
        _rig.Write(_rig.Direct, first.Address + 0x100, 1);
        var finding = _rig.Single(FindingKind.DeviceOutsideMapping, _rig.Direct, first.Address + 0x100, 1);
        Assert.Equal(second.Address, Assert.Single(finding.Neighbours).Address);
    }

    [Fact]
    public void Device_uses_an_address_after_the_unmap_and_is_refused()
    {
        var mapping = _rig.Behind.Dma.Map(_rig.Memory.Allocate(4096), DmaDirection.FromDevice);
        mapping.Unmap();
        Assert.False(_rig.Write(_rig.Behind, mapping.Address + 4, 1, 2));
        var finding = _rig.Single(FindingKind.DeviceUseAfterUnmap, _rig.Behind, mapping.Address + 4, 2);
        Assert.Contains("refused", finding.Message, StringComparison.Ordinal);
        Assert.Equal(MappingEnd.Unmapped, finding.Mapping!.Value.End);
        Assert.True(finding.Mapping.Value.Ended.IsKnown);
    }

    [Fact]
    public void Device_uses_an_address_after_the_unmap_and_a_stale_entry_lets_it_through()
    {
        _rig.KeepsStaleEntries = true;
        var mapping = _rig.Behind.Dma.Map(_rig.Memory.Allocate(4096), DmaDirection.FromDevice);
        _rig.Write(_rig.Behind, mapping.Address, 1);
        mapping.Unmap();
        Assert.True(_rig.Write(_rig.Behind, mapping.Address, 2));
        Assert.Contains("stale entry of the IOTLB", _rig.Single(FindingKind.DeviceUseAfterUnmap, _rig.Behind, mapping.Address, 1).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Device_uses_an_address_after_the_unmap_and_the_flush_queue_lets_it_through()
    {
        using var rig = new SanitizedRig(type: DomainType.DmaDeferred) { KeepsStaleEntries = true };
        var mapping = rig.Behind.Dma.Map(rig.Memory.Allocate(4096), DmaDirection.FromDevice);
        rig.Write(rig.Behind, mapping.Address, 1);
        mapping.Unmap();
        Assert.True(rig.Write(rig.Behind, mapping.Address, 2));
        Assert.Contains("flush queue", rig.Single(FindingKind.DeviceUseAfterUnmap, rig.Behind, mapping.Address, 1).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Device_without_an_iommu_uses_memory_after_the_unmap()
    {
        var mapping = _rig.Direct.Dma.Map(_rig.Memory.Allocate(4096), DmaDirection.FromDevice);
        mapping.Unmap();
        Assert.True(_rig.Write(_rig.Direct, mapping.Address, 1));
        _rig.Single(FindingKind.DeviceUseAfterUnmap, _rig.Direct, mapping.Address, 1);
    }

    [Fact]
    public void Device_without_an_iommu_uses_memory_that_nobody_mapped()
    {
        var block = _rig.Memory.Allocate(4096);
        _rig.Write(_rig.Direct, new Iova(block.Address.Value + 3), 1, 2);
        _rig.Single(FindingKind.DeviceUseOfUnmapped, _rig.Direct, new Iova(block.Address.Value + 3), 2);
    }

    [Fact]
    public void Device_uses_what_another_device_has_mapped()
    {
        var block = _rig.Memory.Allocate(4096);
        using var mapping = _rig.Behind.Dma.Map(block, DmaDirection.FromDevice);
        _rig.Write(_rig.Direct, new Iova(block.Address.Value + 16), 1);
        var finding = _rig.Single(FindingKind.DeviceInForeignMapping, _rig.Direct, new Iova(block.Address.Value + 16), 1);
        Assert.Equal("behind", finding.Mapping!.Value.Device);
    }

    [Theory]
    [InlineData(DmaDirection.ToDevice, false)]
    [InlineData(DmaDirection.ToDevice, true)]
    [InlineData(DmaDirection.FromDevice, true)]
    public void Device_goes_against_the_direction(DmaDirection direction, bool isDirect)
    {
        var device = isDirect ? _rig.Direct : _rig.Behind;
        using var mapping = device.Dma.Map(_rig.Memory.Allocate(4096), direction);
        if (direction == DmaDirection.ToDevice)
            Assert.Equal(isDirect, _rig.Write(device, mapping.Address + 8, 0, 0));
        else
            _rig.Read(device, mapping.Address + 8, 2);
        Assert.Contains(isDirect ? "nothing kept it" : "refused",
            _rig.Single(FindingKind.DeviceAgainstDirection, device, mapping.Address + 8, 2).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Mask_is_set_too_late()
    {
        using var mapping = _rig.Direct.Dma.Map(_rig.Memory.Allocate(4096), DmaDirection.FromDevice);
        _rig.Direct.Dma.SetMask(24);
        _rig.Write(_rig.Direct, mapping.Address, 1);
        _rig.Single(FindingKind.DeviceAboveMask, _rig.Direct, mapping.Address, 1);
    }

    [Fact]
    public void Failed_mapping_is_used()
    {
        _rig.Direct.Dma.SetMask(24);
        Assert.NotEqual(Status.Ok, _rig.Direct.Dma.TryMap(_rig.Memory.Allocate(4096), DmaDirection.FromDevice, out var mapping));
        _rig.Write(_rig.Direct, mapping.Address, 1);
        var finding = _rig.Single(FindingKind.FailedMappingUsed, _rig.Direct, mapping.Address, 1);
        Assert.Contains("BrokenDriverTests.Devices.cs", finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Failed_mapping_is_unmapped()
    {
        _rig.Direct.Dma.SetMask(24);
        _ = _rig.Direct.Dma.TryMap(_rig.Memory.Allocate(4096), DmaDirection.FromDevice, out var mapping);
        mapping.Unmap();
        _rig.Single(FindingKind.FailedMappingUsed, _rig.Direct, mapping.Address, 4096);
    }

    [Theory]
    [InlineData(0ul, 4096ul)]
    [InlineData(64ul, 8ul)]
    public void Failed_mapping_is_synced(ulong offset, ulong length)
    {
        _rig.Direct.Dma.SetMask(24);
        _ = _rig.Direct.Dma.TryMap(_rig.Memory.Allocate(4096), DmaDirection.FromDevice, out var mapping);
        mapping.SyncForCpu(offset, length);
        var finding = _rig.Single(FindingKind.FailedMappingUsed, _rig.Direct, mapping.Address, length);
        Assert.Contains("failed at BrokenDriverTests.Devices.cs", finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Failed_mapping_that_was_looked_at_is_no_finding()
    {
        _rig.Direct.Dma.SetMask(24);
        Assert.NotEqual(Status.Ok, _rig.Direct.Dma.TryMap(_rig.Memory.Allocate(4096), DmaDirection.FromDevice, out var mapping));
        Assert.False(mapping.IsMapped);
        mapping.Dispose();
        mapping.Unmap();
        _rig.Sanitizer.AssertClean();
    }

    [Fact]
    public void Dma_goes_on_while_the_device_is_suspended()
    {
        using var machine = new FakeMachine();
        using var sanitizer = DmaSanitizer.Watch(machine.Core.Dma, machine.Memory.Memory);
        machine.Driver("d");
        var device = FakeMachine.Device("dev", "d");
        machine.Core.Add(device);
        using var mapping = device.Dma.Map(machine.Memory.Allocate(64), DmaDirection.FromDevice);
        using (device.Power.Hold())
            sanitizer.OnWrite(device, mapping.Address, new PhysicalAddress(mapping.Address.Value), [0], AccessOutcome.Done);
        Assert.Empty(sanitizer.Findings);
        sanitizer.OnWrite(device, mapping.Address + 1, new PhysicalAddress(mapping.Address.Value + 1), [0], AccessOutcome.Done);
        var finding = Assert.Single(sanitizer.Findings);
        Assert.Equal((FindingKind.DeviceSuspended, "dev", "fake", mapping.Address + 1, 1ul),
            (finding.Kind, finding.Device, finding.Driver, finding.Address, finding.Length));
    }

    [Fact]
    public void Dma_goes_on_while_the_unit_is_suspended()
    {
        using var mapping = _rig.Behind.Dma.Map(_rig.Memory.Allocate(64), DmaDirection.FromDevice);
        _rig.Unit.Device.Power.Put();
        _rig.Write(_rig.Behind, mapping.Address, 1);
        Assert.Contains("IOMMU u", _rig.Single(FindingKind.DeviceSuspended, _rig.Behind, mapping.Address, 1).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Driver_leaves_mappings_behind()
    {
        using var machine = new FakeMachine();
        using var sanitizer = DmaSanitizer.Watch(machine.Core.Dma, machine.Memory.Memory);
        machine.Driver("d");
        var device = FakeMachine.Device("dev", "d");
        machine.Core.Add(device);
        DmaMapping first = default;
        for (var i = 0; i < 3; i++)
        {
            var mapping = device.Dma.Map(machine.Memory.Allocate(100), DmaDirection.ToDevice);
            first = i == 0 ? mapping : first;
        }

        var buffer = device.Dma.Allocate(5000);
        machine.Core.Unbind(device);
        Assert.Equal(2, sanitizer.Findings.Count);
        var (maps, buffers) = (sanitizer.Findings[0], sanitizer.Findings[1]);
        Assert.Equal((FindingKind.Leak, "dev", "fake", first.Address, 100ul),
            (maps.Kind, maps.Device, maps.Driver, maps.Address, maps.Length));
        Assert.Contains("3 of kind single mapping", maps.Message, StringComparison.Ordinal);
        Assert.Contains($"made at BrokenDriverTests.Devices.cs:{maps.Mapping!.Value.Made.Line}", maps.Message, StringComparison.Ordinal);
        Assert.NotEqual(maps.Mapping.Value.Made, buffers.Mapping!.Value.Made);
        Assert.Equal((FindingKind.Leak, buffer.Address, 5000ul), (buffers.Kind, buffers.Address, buffers.Length));
        Assert.Equal(0, sanitizer.LiveMappings);
    }

    [Fact]
    public void Driver_leaves_pieces_and_its_part_of_a_shared_buffer_behind()
    {
        using var machine = new FakeMachine();
        using var sanitizer = DmaSanitizer.Watch(machine.Core.Dma, machine.Memory.Memory);
        machine.UnitDriver();
        machine.Driver("d");
        var unit = FakeMachine.Device("unit", "iommu");
        machine.Core.Add(unit);
        var device = FakeMachine.Master("dev", "d", (unit, 1));
        machine.Core.Add(device);
        var buffer = device.Dma.AllocateNoncontiguous(0x2345, DmaDirection.FromDevice, DmaAttributes.AllocSinglePages);
        var shared = SharedBuffer.Allocate(machine.Memory, 100);
        var address = shared.AttachAll([device]);
        machine.Core.Unbind(device);
        Assert.Equal(
            [(FindingKind.Leak, buffer.Address, 0x2345ul), (FindingKind.Leak, address, 100ul)],
            sanitizer.Findings.Select(finding => (finding.Kind, finding.Address, finding.Length)));
        Assert.All(sanitizer.Findings, finding =>
            Assert.Contains("made at BrokenDriverTests.Devices.cs:", finding.Message, StringComparison.Ordinal));
        Assert.Contains("left a page allocation behind", sanitizer.Findings[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Memory_that_is_mapped_still_goes_with_its_buffer()
    {
        var pages = _rig.Behind.Dma.AllocatePages(0x1000, DmaDirection.FromDevice);
        _rig.Direct.Dma.Map(pages.Memory.Slice(0x100, 0x10), DmaDirection.ToDevice);
        _rig.Sanitizer.Clear();
        pages.Dispose();
        var finding = _rig.Single(FindingKind.FreedWhileMapped, _rig.Direct, new Iova(pages.Memory.Address.Value + 0x100), 0x10);
        Assert.Equal("BrokenDriverTests.Devices.cs", Path.GetFileName(finding.Where.File));
    }

    [Fact]
    public void Cpu_writes_to_a_shared_buffer_in_the_turn_of_a_device()
    {
        using var buffer = SharedBuffer.Allocate(_rig.Memory, 0x1000);
        var address = buffer.Attach(_rig.Behind);
        var turn = buffer.TryBegin(_rig.Behind, DmaDirection.FromDevice)!;
        WriteUnseen(buffer.Block, 5);
        turn.Dispose();
        var finding = _rig.Single(FindingKind.CpuWriteWithoutSync, _rig.Behind, address + 5, 1);
        Assert.StartsWith("BrokenDriverTests.Devices.cs:", finding.Mapping!.Value.Made.ToString(), StringComparison.Ordinal);
        Assert.Equal("BrokenDriverTests.Devices.cs", Path.GetFileName(finding.Where.File));
    }
}
