using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Dma.Operations;
using Aperture.Dma.Sanitizer;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Dma.Sanitizer;

/// <summary>Two devices have the same memory, one of them through a bounce buffer. What that copies was taken for the CPU's doing
/// once.</summary>
public sealed class BroughtBytesTests : IDisposable
{
    private readonly SanitizedRig _rig = new(bounce: true);
    private readonly MemoryBlock _block;

    public BroughtBytesTests()
    {
        _block = _rig.Memory.Allocate(0x1000);
        _block.Span.Fill(5); // the CPU took it: there is a copy to compare with
    }

    private Device Bounced => _rig.Direct;

    private Device Other => _rig.Behind;

    public void Dispose() => _rig.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_a_bounce_buffer_brings_back_was_not_written_by_the_cpu(bool isSynced)
    {
        var read = Other.Dma.Map(_block, DmaDirection.ToDevice);
        var written = Bounced.Dma.Map(_block, DmaDirection.FromDevice);
        _rig.Write(Bounced, written.Address + 0x10, 1, 2, 3, 4);
        if (isSynced)
            written.SyncForCpu();
        else
            written.Unmap();
        Assert.Equal(3, _block.Slice(0x12, 1).Span[0]);
        _rig.Read(Other, read.Address, 0x1000);
        read.Unmap();
        if (isSynced)
            written.Unmap();
        _rig.Sanitizer.AssertClean();
    }

    [Fact]
    public void What_the_cpu_wrote_beside_that_is_told_by_its_bytes()
    {
        var read = Other.Dma.Map(_block, DmaDirection.ToDevice);
        var written = Bounced.Dma.Map(_block.Slice(0, 0x800), DmaDirection.FromDevice);
        _rig.Write(Bounced, written.Address + 0x10, 1, 2, 3, 4);
        written.Unmap();
        _block.Slice(0x900, 2).Span.Fill(9);
        _rig.Read(Other, read.Address, 0x1000);
        _rig.Single(FindingKind.CpuWriteWithoutSync, Other, read.Address + 0x900, 2);
    }

    [Fact]
    public void A_device_writes_what_another_one_has_read_from_its_bounce_buffer()
    {
        var read = Bounced.Dma.Map(_block, DmaDirection.ToDevice);
        _rig.Read(Bounced, read.Address, 0x1000);
        using (var written = Other.Dma.Map(_block, DmaDirection.FromDevice))
            _rig.Write(Other, written.Address + 0x10, 1, 2);
        read.Unmap();
        using (var again = Bounced.Dma.Map(_block, DmaDirection.ToDevice))
            _rig.Read(Bounced, again.Address, 0x1000);
        _rig.Sanitizer.AssertClean();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_bounce_buffer_holds_older_bytes_than_another_device_wrote(bool isMended)
    {
        var read = Bounced.Dma.Map(_block, DmaDirection.ToDevice);
        var written = Other.Dma.Map(_block, DmaDirection.FromDevice);
        _rig.Write(Other, written.Address + 0x10, 1, 2);
        written.Unmap();
        if (isMended)
            read.SyncForDevice();
        _rig.Read(Bounced, read.Address, 0x10);
        _rig.Sanitizer.AssertClean();
        _rig.Read(Bounced, read.Address, 0x1000);
        if (isMended)
            _rig.Sanitizer.AssertClean();
        else
            Assert.Contains("another device wrote bytes 0x10 to 0x11",
                _rig.Single(FindingKind.CpuWriteWithoutSync, Bounced, read.Address + 0x10, 2).Message, StringComparison.Ordinal);
        read.Unmap();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_bounce_buffer_is_copied_over_what_another_device_wrote(bool isSynced)
    {
        var first = Bounced.Dma.Map(_block, DmaDirection.FromDevice);
        var second = Other.Dma.Map(_block, DmaDirection.FromDevice);
        _rig.Write(Other, second.Address + 0x10, 1, 2);
        second.Unmap();
        if (isSynced)
            first.SyncForCpu();
        else
            first.Unmap();
        Assert.Equal(5, _block.Slice(0x10, 1).Span[0]); // gone
        var finding = _rig.Single(FindingKind.DeviceWriteLost, Bounced, first.Address + 0x10, 2);
        Assert.Equal("BroughtBytesTests.cs", Path.GetFileName(finding.Where.File));
    }

    [Fact]
    public void Memory_at_physical_address_0_was_no_memory_of_a_coherent_buffer()
    {
        using var memory = new FakeMemory(start: 0);
        var platform = new DmaPlatform(memory);
        using var sanitizer = DmaSanitizer.Watch(platform, memory.Memory);
        var device = new Device("d");
        DmaAttach.Attach(device, _rig.Core, platform);
        var buffer = device.Dma.Allocate(0x1000);
        Assert.Equal(default, buffer.Memory.Address);
        device.Dma.Map(buffer.Memory, DmaDirection.ToDevice).Unmap();
        Assert.Equal(FindingKind.WrongApi, Assert.Single(sanitizer.Findings).Kind);
    }

    [Fact]
    public void An_address_right_before_a_mapping_is_no_offset_without_a_base()
    {
        var mapping = Other.Dma.MapAt(_block, new Iova(0x1000), DmaDirection.FromDevice);
        Assert.False(_rig.Write(Other, mapping.Address - 2, 1, 2));
        var message = _rig.Single(FindingKind.DeviceUseOfUnmapped, Other, mapping.Address - 2, 2).Message;
        Assert.Contains("right before the start", message, StringComparison.Ordinal);
        Assert.DoesNotContain("offset", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_buffer_that_the_last_driver_left_behind_is_freed_by_the_next()
    {
        var buffer = Bounced.Dma.Allocate(0x1000);
        Bounced.Dma.Detach();
        _rig.Sanitizer.Clear();
        DmaAttach.Attach(Bounced, _rig.Core, _rig.Platform);
        buffer.Dispose();
        Assert.Contains("its driver had left behind",
            _rig.Single(FindingKind.UnmapOfUnmapped, Bounced, buffer.Address, 0x1000).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_sync_where_there_is_no_memory_names_the_device_and_is_a_finding(bool isForCpu)
    {
        using var rig = DmaRig.Make("direct-noncoherent", isSanitized: true);
        var error = Assert.Throws<ApertureException>(() =>
        {
            if (isForCpu)
                rig.Dma.SyncForCpu(new Iova(0x1000), 16, DmaDirection.FromDevice);
            else
                rig.Dma.SyncForDevice(new Iova(0x1000), 16, DmaDirection.FromDevice);
        });
        Assert.Equal(Status.BadAddress, error.Status);
        Assert.Contains(rig.Device.Name, error.Message, StringComparison.Ordinal);
        var finding = Assert.Single(rig.Sanitizer!.Findings);
        Assert.Equal((FindingKind.SyncOutsideMapping, new Iova(0x1000), 16UL), (finding.Kind, finding.Address, finding.Length));
    }
}
