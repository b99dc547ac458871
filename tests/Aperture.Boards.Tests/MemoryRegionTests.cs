using Aperture.Boards.Tests.Checking;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Dma.Sanitizer;
using Aperture.Drivers.DmaMaster;

namespace Aperture.Boards.Tests;

/// <summary>The regions that a device's <c>memory-region</c> lists, by number and name: a remote processor with two rings, buffers, and a
/// carve-out for its firmware.</summary>
public sealed class MemoryRegionTests : IDisposable
{
    private const ulong Code = 0x8580_0000;

    private readonly Machine _machine;
    private readonly DmaMasterClient _client;

    public MemoryRegionTests()
    {
        var root = new TreeNode("").Cells("#address-cells", 1).Cells("#size-cells", 1).Strings("compatible", "test,board")
            .Cells("interrupt-parent", 20);
        root.Add(
            new TreeNode("memory@80000000").Strings("device_type", "memory").Cells("reg", 0x8000_0000, 0x1000_0000),
            new TreeNode("reserved-memory").Cells("#address-cells", 1).Cells("#size-cells", 1).Flag("ranges").Add(
                new TreeNode("code@85800000").Cells("reg", (uint)Code, 0x40_0000).Flag("no-map").Cells("phandle", 1),
                Pool("ring0@85c00000", 0x85C0_0000, 0x4000, 2),
                Pool("ring1@85c04000", 0x85C0_4000, 0x4000, 3),
                Pool("buffer@85c08000", 0x85C0_8000, 0x10_0000, 4),
                new TreeNode("elsewhere@a0000000").Cells("reg", 0xA000_0000, 0x1000).Flag("no-map").Cells("phandle", 5),
                new TreeNode("off@86000000").Cells("reg", 0x8600_0000, 0x1000).Strings("status", "disabled").Cells("phandle", 6)),
            new TreeNode("soc").Strings("compatible", "simple-bus").Cells("#address-cells", 1).Cells("#size-cells", 1).Flag("ranges").Add(
                new TreeNode("controller@1000").Strings("compatible", "test,intc").Cells("reg", 0x1000, 0x20)
                    .Flag("interrupt-controller").Cells("#interrupt-cells", 1).Cells("phandle", 20),
                new TreeNode("mmu@10000").Strings("compatible", "ti,omap4-iommu").Cells("reg", 0x1_0000, 0x100).Cells("#iommu-cells", 0)
                    .Cells("phandle", 10).Cells("interrupts", 1),
                new TreeNode("ipu@20000").Strings("compatible", "aperture,dma-master").Cells("reg", 0x2_0000, 0x1000)
                    .Cells("interrupts", 2).Cells("iommus", 10).Cells("memory-region", 2, 3, 4, 1, 5, 6)
                    .Strings("memory-region-names", "vring0", "vring1", "buffer", "code", "elsewhere", "off")));
        _machine = Machine.Boot(root.Build(),
            new MachineOptions { Sanitizer = new SanitizerOptions(), CpuCaches = new CpuCacheOptions() });
        _client = (DmaMasterClient)_machine.Masters.Single().Device!.Bound!;
    }

    public void Dispose() => _machine.Dispose();

    private Device Device => _client.Device;

    [Fact]
    public void Only_the_first_of_several_named_regions_could_be_used()
    {
        foreach (var (name, start) in ((string, ulong)[])[("vring0", 0x85C0_0000), ("vring1", 0x85C0_4000), ("buffer", 0x85C0_8000)])
        {
            using var buffer = Device.Dma.AllocateFrom(Device.MemoryRegion(name), 0x2000);
            Assert.Equal(start, buffer.Memory.Address.Value);
            buffer.Span.Fill(7);
            Assert.True(_client.Fill(0, buffer.Address, 0x2000, seed: 3).IsOk);
            Assert.True(_client.Verify(0, buffer.Address, 0x2000, seed: 3).IsOk);
            Assert.NotEqual(-1, buffer.Span.IndexOfAnyExcept((byte)7)); // both see the same bytes at once
        }

        var full = Assert.Throws<ApertureException>(() => Device.Dma.AllocateFrom(Device.MemoryRegion("vring1"), 0x8000));
        Assert.Equal(Status.NoMemory, full.Status);
        Assert.Contains("/reserved-memory/ring1@85c04000", full.Message, StringComparison.Ordinal);
        Assert.Contains("0x4000 bytes free, the largest piece 0x4000", full.Message, StringComparison.Ordinal);
        Assert.Empty(_machine.Sanitizer!.Findings);
    }

    [Fact]
    public void A_carve_out_is_filled_and_mapped_where_the_firmware_was_linked_to()
    {
        var code = Device.MemoryRegion("code");
        Assert.Equal((3, new MemoryRange(new PhysicalAddress(Code), 0x40_0000), null), (code.Index, code.Range, code.Pool));
        var image = code.Memory.Slice(0x1000, 0x3000);
        image.Span.Fill(0x21);
        using (var mapping = Device.Dma.MapAt(image, new Iova(Code + 0x1000), DmaDirection.Bidirectional))
            Assert.True(_client.Copy(0, new Iova(Code + 0x1000), 0, new Iova(Code + 0x2000), 64).IsOk);
        using (var mapping = Device.Dma.MapAt(image, new Iova(0x1000_0000), DmaDirection.FromDevice))
            Assert.True(_client.Fill(0, new Iova(0x1000_0000), 0x3000, seed: 9).IsOk);
        Assert.NotEqual(-1, image.Span.IndexOfAnyExcept((byte)0x21));
        var refusal = Assert.Throws<ApertureException>(() => Device.Dma.AllocateFrom(code, 0x1000));
        Assert.Contains("memory region 3 'code'", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(_machine.Sanitizer!.Findings);
    }

    /// <summary>As docs/dma-api.md shows it.</summary>
    [Fact]
    public void Recipe()
    {
        var (device, dma, image) = (Device, Device.Dma, new byte[0x1000]);
        Random.Shared.NextBytes(image);
        // A remote processor: its ring out of the region for that, its firmware where that was linked to.
        using var ring = dma.AllocateFrom(device.MemoryRegion("vring0"), 0x2000);
        var firmware = device.MemoryRegion("code").Memory;
        image.CopyTo(firmware.Span);
        using var code = dma.MapAt(firmware, new Iova(firmware.Address.Value), DmaDirection.Bidirectional);
        Assert.True(_client.Copy(0, code.Address, 0, ring.Address, (ulong)image.Length).IsOk);
        Assert.True(ring.Span[..image.Length].SequenceEqual(image));
    }

    [Fact]
    public void Regions_are_listed_by_number_and_name_with_those_that_have_no_memory()
    {
        Assert.Equal(["vring0", "vring1", "buffer", "code", "elsewhere", "off"],
            Device.Description.MemoryRegions.Select(region => region.Name));
        Assert.Equal([true, true, true, true, false, false], Device.Description.MemoryRegions.Select(region => region.HasMemory));
        Assert.Equal(0xA000_0000, Device.MemoryRegion("elsewhere").Range.Start.Value);
        Assert.Equal(0ul, Device.MemoryRegion("off").Range.Length);
        Assert.Equal(Status.BadAddress, Assert.Throws<ApertureException>(() => Device.MemoryRegion("off").Memory).Status);
        var unknown = Assert.Throws<ApertureException>(() => Device.MemoryRegion("vring2"));
        Assert.Equal(Status.NotFound, unknown.Status);
        Assert.Contains("memory region 1 'vring1' (", unknown.Message, StringComparison.Ordinal);
    }

    private static TreeNode Pool(string name, uint start, uint length, uint phandle) => new TreeNode(name)
        .Strings("compatible", "shared-dma-pool").Cells("reg", start, length).Flag("no-map").Cells("phandle", phandle);
}
