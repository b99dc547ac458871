using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Dma.Bounce;
using Aperture.Dma.Operations;

namespace Aperture.Tests.Dma;

/// <summary>What the DMA API says when it refuses: the device, the size, the limit and whose it is, why the path is what it is, and who
/// holds what is exhausted.</summary>
public class RefusalTests
{
    private const DmaDirection NoDirection = (DmaDirection)7;

    [Theory]
    [InlineData("direct", "direct: no IOMMU is in front of it")]
    [InlineData("iommu", "iommu: it is behind an IOMMU;")]
    [InlineData("bounce", "bounce: every mapping of a device without an IOMMU is made to bounce here")]
    [InlineData("restricted", "bounce: it has a restricted pool")]
    [InlineData("untrusted", "iommu+bounce: it is behind an IOMMU and untrusted")]
    public void A_refusal_does_not_say_why_the_path_is_what_it_is(string path, string why)
    {
        using var rig = DmaRig.Make(path);
        var message = Refusal(() => rig.Dma.Map(rig.Memory.Allocate(0x1000), NoDirection));
        Assert.StartsWith($"{path} could not map 0x1000 bytes at 0x", message, StringComparison.Ordinal);
        Assert.Contains(why, message, StringComparison.Ordinal);
        Assert.EndsWith("InvalidArgument; 7 is no direction", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_device_that_bounces_because_it_cannot_reach_all_memory_is_told_so()
    {
        using var rig = DmaRig.Make("direct");
        rig.Memory.Allocate(32 << 20); // what can be reached
        rig.Dma.BusLimit = new Iova(HonestBase + (32 << 20) - 1);
        rig.Dma.SetMask(32);
        var message = Refusal(() => rig.Dma.Map(rig.Memory.Allocate(0x80000), DmaDirection.ToDevice));
        Assert.Contains("bounce: it reaches memory up to 0x81ffffff, and there is some up to 0x83ffffff; addresses up to 0x81ffffff, "
            + "the limit of its bus", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_device_address_that_nobody_can_choose_was_said_to_need_a_bounce_buffer()
    {
        using var rig = DmaRig.Make("direct");
        rig.Dma.BusLimit = new Iova(HonestBase + (32 << 20) - 1); // it bounces what it cannot reach
        rig.Dma.SetMask(32);
        var block = rig.Memory.Allocate(0x1000);
        var message = Refusal(() => rig.Dma.MapAt(block, new Iova(0x1000), DmaDirection.ToDevice));
        Assert.EndsWith("NotSupported; without an IOMMU nobody can choose the device address", message, StringComparison.Ordinal);
        rig.Dma.MapAt(block, new Iova(block.Address.Value), DmaDirection.ToDevice).Unmap();
    }

    [Theory]
    [InlineData("bounce")]
    [InlineData("restricted")]
    public void A_mapping_too_large_to_bounce_does_not_name_the_limit(string path)
    {
        using var rig = DmaRig.Make(path);
        var memory = rig.Memory.Allocate(0x83000);
        var message = Refusal(() => rig.Dma.Map(memory, DmaDirection.ToDevice));
        Assert.Contains("could not map 0x83000 bytes", message, StringComparison.Ordinal);
        Assert.EndsWith("a bounce buffer has at most 262144 bytes (MaxMappingSize): map it in smaller parts", message,
            StringComparison.Ordinal);
        Assert.Equal(Status.InvalidArgument, rig.Dma.TryMap(memory, DmaDirection.ToDevice, out _));
        Assert.Equal(message, rig.Dma.Explain(Status.InvalidArgument, memory, DmaDirection.ToDevice));
        rig.Dma.SetMinAlignMask(0xFFF);
        Assert.Contains("at most 258048 bytes", Refusal(() => rig.Dma.Map(memory, DmaDirection.ToDevice)), StringComparison.Ordinal);
    }

    [Fact]
    public void Exhausted_device_addresses_do_not_say_who_holds_them()
    {
        using var rig = DmaRig.Make("iommu", isSanitized: true);
        rig.Dma.SetMask(20); // 256 pages, of which page zero is not given out
        var memory = rig.Memory.Allocate(0x40000);
        var maps = new List<DmaMapping>();
        while (rig.Dma.TryMap(memory.Slice(0, 0x10000), DmaDirection.ToDevice, out var mapping) == Status.Ok)
            maps.Add(mapping);
        Assert.Equal(15, maps.Count);
        var message = Refusal(() => rig.Dma.Map(memory.Slice(0, 0x10000), DmaDirection.ToDevice));
        Assert.Contains("addresses up to 0x000fffff, its mask): NoSpace; 0xf1000 bytes of device addresses are in use or reserved and "
            + "0xf000 are free, the largest hole 0xf000; held by iommu (15 with 0xf0000 bytes, made at RefusalTests.cs:", message,
            StringComparison.Ordinal);
        Assert.DoesNotContain("fragmented", message, StringComparison.Ordinal);

        for (var i = 0; i < maps.Count; i += 2)
            maps[i].Dispose();
        message = Refusal(() => rig.Dma.Map(memory.Slice(0, 0x20000), DmaDirection.ToDevice));
        Assert.Contains("0x71000 bytes of device addresses are in use or reserved and 0x8f000 are free, the largest hole 0x1f000: they are "
            + "fragmented, and 0x20000 bytes begin at a multiple of 0x20000", message, StringComparison.Ordinal);
        message = Refusal(() => rig.Dma.Allocate(0x20000));
        Assert.Contains("could not allocate 0x20000 bytes", message, StringComparison.Ordinal);
        Assert.Contains("its mask for coherent memory", message, StringComparison.Ordinal);
        message = Refusal(() => rig.Dma.MapScatter([memory.Slice(0, 0x11000), memory.Slice(0x20000, 0x11000)], new DmaSegment[2],
            DmaDirection.ToDevice));
        Assert.Contains("fragmented", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Exhausted_device_addresses_without_a_sanitizer_say_how_to_learn_more()
    {
        using var rig = DmaRig.Make("iommu");
        rig.Dma.SetMask(16);
        var message = Refusal(() => rig.Dma.Map(rig.Memory.Allocate(0x10000), DmaDirection.ToDevice));
        Assert.EndsWith("the largest hole 0xf000; a sanitizer would say who holds them", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Exhausted_bounce_slots_do_not_say_whether_the_pool_can_grow()
    {
        using var rig = DmaRig.Make("bounce", bounce: new BounceOptions { Bytes = 256 << 10, MaxBytes = 256 << 10 });
        var memory = rig.Memory.Allocate(256 << 10);
        using var all = rig.Dma.Map(memory, DmaDirection.ToDevice);
        var message = Refusal(() => rig.Dma.Map(memory.Slice(0, 1), DmaDirection.ToDevice));
        Assert.EndsWith("NoSpace; 128 bounce slots of 0x40000 bytes are taken by bounce: 1 buffers, 262144 bytes; it grows to 0x40000 "
            + "bytes at most", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("direct", "; without an IOMMU it has to be one piece")]
    [InlineData("iommu", "")]
    public void Exhausted_memory_does_not_say_what_is_left(string path, string advice)
    {
        using var rig = DmaRig.Make(path, bytes: 1 << 20);
        var pages = Enumerable.Range(0, 256).Select(_ => rig.Memory.Allocate(4096)).ToArray();
        for (var i = 0; i < 128; i += 2)
            rig.Memory.Free(pages[i]);
        rig.Memory.Free(pages[1]);
        var message = Refusal(() => rig.Dma.Allocate(0x100000));
        Assert.Contains($"could not allocate 0x{0x100000:x} bytes for DMA ({path}: ", message, StringComparison.Ordinal);
        Assert.EndsWith($"NoMemory; {What(path)} has 0x41000 bytes free, the largest piece 0x2000{advice}", message,
            StringComparison.Ordinal);
        Assert.EndsWith($"has 0x41000 bytes free, the largest piece 0x2000{advice}",
            Refusal(() => rig.Dma.AllocatePages(0x100000, DmaDirection.ToDevice)), StringComparison.Ordinal);
        Assert.Equal("no 0x4000 bytes of contiguous memory are left; memory has 0x41000 bytes free, the largest piece 0x2000",
            Refusal(() => rig.Memory.Allocate(0x4000)));

        static string What(string path) => path == "direct" ? "memory up to 0xffffffff" : "memory";
    }

    [Fact]
    public void An_address_that_is_taken_does_not_say_by_whom()
    {
        using var rig = DmaRig.Make("iommu", isSanitized: true);
        var memory = rig.Memory.Allocate(0x2000);
        using var first = rig.Dma.MapAt(memory, new Iova(0x5000_0000), DmaDirection.FromDevice);
        var message = Refusal(() => rig.Dma.MapAt(memory.Slice(0x1000, 1), new Iova(0x5000_1000), DmaDirection.ToDevice));
        Assert.Contains("it is mapped already: iommu: single mapping of 0x2000 bytes at 0x50000000, from the device, made at "
            + "RefusalTests.cs:", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Memory_out_of_reach_does_not_say_what_is_in_reach()
    {
        using var rig = DmaRig.Make("direct");
        using var offset = DmaRig.Make("direct-offset");
        var memory = rig.Memory.Allocate(0x1000);
        rig.Dma.SetMask(24);
        Assert.EndsWith("OutOfRange; it reaches up to 0x00ffffff, and no memory for bounce buffers is left there: memory up to 0x00ffffff "
            + "has 0x0 bytes free, the largest piece 0x0", Refusal(() => rig.Dma.Map(memory, DmaDirection.ToDevice)),
            StringComparison.Ordinal);
        Assert.Contains("the buses in front of it pass 0x80000000 to 0x83ffffff",
            Refusal(() => offset.Dma.MapFrames(new PhysicalAddress(0x1000), 0x1000, DmaDirection.ToDevice)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_device_that_does_no_DMA_is_told_so()
    {
        using var rig = DmaRig.Make("direct");
        var device = new Device("mute") { Description = new DeviceDescription { CanDma = false } };
        DmaAttach.Attach(device, rig.Core, rig.Platform);
        Assert.Equal("mute could not map 0x1000 bytes at 0x80000000 for DMA (none: its description says that it does no DMA; addresses up "
            + "to 0xffffffff, its mask): NoDevice",
            Refusal(() => device.Dma.Map(rig.Memory.Allocate(0x1000), DmaDirection.ToDevice)));
    }

    private const ulong HonestBase = Fakes.HonestMemory.Base;

    private static string Refusal(Action call) => Assert.Throws<ApertureException>(call).Message;
}
