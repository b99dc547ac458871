using Aperture.Core;
using Aperture.Devices;
using Aperture.DeviceTrees;
using Aperture.Dma;
using Aperture.Dma.Bounce;
using Aperture.Dma.Memory;
using Aperture.Dma.Operations;
using Aperture.Iommu;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Dma;

/// <summary>Masks, the windows of buses, and what a device says of sizes.</summary>
public sealed class LimitsTests : IDisposable
{
    private const ulong Base = HonestMemory.Base;

    private readonly HonestMemory _memory = new(false);
    private readonly FakeMemory _tables = new();

    public void Dispose()
    {
        _memory.Dispose();
        _tables.Dispose();
    }

    private DmaContext Attach(params DmaRange[] windows)
    {
        var device = new Device("d") { Description = new DeviceDescription { DmaRanges = [.. windows] } };
        DmaAttach.Attach(device, new IommuCore(_tables), new DmaPlatform(_memory) { ZoneLimit = new PhysicalAddress(Base + 0xFF_FFFF) });
        return device.Dma;
    }

    private static DmaRange Window(ulong cpu, ulong dma, ulong length) => new(new PhysicalAddress(cpu), dma, length);

    [Theory]
    [InlineData(Base, Base, 64 << 20, "direct")]
    [InlineData(Base, 0ul, 64 << 20, "direct")]
    [InlineData(Base, 0x1_0000_0000ul, 64 << 20, "bounce")]          // above the mask of 32 bits
    [InlineData(Base + (16 << 20), Base + (16 << 20), 48 << 20, "bounce")] // a part cannot be named
    [InlineData(Base, Base, 16 << 20, "bounce")]
    public void A_window_that_leaves_memory_out_makes_that_memory_bounce(ulong cpu, ulong dma, ulong length, string path)
    {
        var context = Attach(Window(cpu, dma, length));
        Assert.Equal((path, path == "bounce"), (context.Path, context.IsAddressingLimited));
    }

    [Fact]
    public void Memory_outside_of_an_unmoved_window_is_not_reached_directly()
    {
        var context = Attach(Window(Base + (32 << 20), Base + (32 << 20), 32 << 20));
        var low = new MemoryBlock();
        var blocks = Enumerable.Range(0, 3).Select(_ => _memory.Allocate(16 << 20)).ToArray();
        foreach (var block in blocks)
            low = block.Address.Value < Base + (32 << 20) ? block : low;
        Assert.NotEqual(0, low.Length);
        Assert.Equal(Status.NotSupported,
            Assert.Throws<ApertureException>(() => context.MapFrames(low.Address, 0x1000, DmaDirection.ToDevice)).Status);
    }

    [Fact]
    public void Several_windows_move_addresses_each_by_its_own_offset()
    {
        var context = Attach(Window(Base, 0x1000_0000, 32 << 20), Window(Base + (32 << 20), 0x5000_0000, 32 << 20));
        Assert.Equal(0x7FFF_FFFFul, context.RequiredMask.Value);
        var low = _memory.Allocate(0x1000);
        for (var block = _memory.Allocate(16 << 20); ; block = _memory.Allocate(16 << 20))
        {
            if (block.Address.Value < Base + (32 << 20))
                continue;
            using var mapping = context.Map(block.Slice(0x100, 0x10), DmaDirection.ToDevice);
            Assert.Equal(block.Address.Value + 0x100 - Base - (32 << 20) + 0x5000_0000, mapping.Address.Value);
            break;
        }

        using var first = context.Map(low, DmaDirection.ToDevice);
        Assert.Equal(low.Address.Value - Base + 0x1000_0000, first.Address.Value);
    }

    [Fact]
    public void Registers_are_not_moved_by_windows()
    {
        var context = Attach(Window(Base, 0x1000_0000, 64 << 20));
        using var mapping = context.MapResource(new PhysicalAddress(0x4800_0123), 0x10, DmaDirection.Bidirectional);
        Assert.Equal(0x4800_0123ul, mapping.Address.Value);
        Assert.Equal(Status.OutOfRange,
            Assert.Throws<ApertureException>(() =>
            context.MapResource(new PhysicalAddress(0x1_0000_0000), 1, DmaDirection.ToDevice)).Status);
    }

    [Fact]
    public void Coherent_memory_keeps_to_its_own_mask_and_the_bus()
    {
        var context = Attach(Window(Base, 0, 64 << 20));
        context.SetCoherentMask(24);
        Assert.Equal((uint.MaxValue, 0xFF_FFFFul), (context.Mask.Value, context.CoherentMask.Value));
        var live = _memory.Live;
        for (var i = 0; i < 20; i++)
        {
            using var buffer = context.Allocate(0x1000);
            Assert.True(buffer.Address.Value + 0xFFF <= 0xFF_FFFF);
        }

        context.BusLimit = new Iova(0xFFF_FFFF);
        Assert.Equal(Status.NoMemory, Assert.Throws<ApertureException>(() => context.Allocate(32 << 20)).Status);
        Assert.Equal(live, _memory.Live);
        context.SetStreamingMask(25);
        Assert.Equal("bounce", context.Path);
    }

    [Theory]
    [InlineData(0ul, 24, true)]   // 24 bits from where memory begins
    [InlineData(0ul, 23, false)]
    [InlineData(0ul, 11, false)]
    [InlineData(0x1000_0000ul, 29, true)]
    [InlineData(0x1000_0000ul, 28, false)]
    [InlineData(0x1_0000_0000ul, 32, true)] // which are never refused
    [InlineData(0x1_0000_0000ul, 31, false)]
    public void Too_few_address_bits_are_refused_where_no_iommu_helps(ulong dma, int bits, bool isAccepted)
    {
        var context = Attach(Window(Base, dma, 64 << 20));
        Action[] calls = [() => context.SetMask(bits), () => context.SetStreamingMask(bits), () => context.SetCoherentMask(bits)];
        foreach (var call in calls)
        {
            if (isAccepted)
                call();
            else
                Assert.Contains($"{bits} address bits", Assert.Throws<ApertureException>(call).Message, StringComparison.Ordinal);
        }

        var mask = isAccepted ? ulong.MaxValue >> (64 - bits) : uint.MaxValue;
        Assert.Equal((mask, mask), (context.Mask.Value, context.CoherentMask.Value));
    }

    [Fact]
    public void Small_memory_needs_few_address_bits()
    {
        using var small = new FakeMemory();
        var device = new Device("d") { Description = new DeviceDescription { DmaRanges = [Window(FakeMemory.Base, 0, 1UL << 32)] } };
        DmaAttach.Attach(device, new IommuCore(_tables),
            new DmaPlatform(small) { ZoneLimit = new PhysicalAddress(FakeMemory.Base + (1 << 20) - 1) });
        Assert.Equal(Status.IoError, Assert.Throws<ApertureException>(() => device.Dma.SetMask(19)).Status);
        device.Dma.SetMask(20);
    }

    [Fact]
    public void Behind_an_iommu_few_address_bits_are_fine()
    {
        using var rig = DmaRig.Make("iommu");
        rig.Dma.SetMask(16);
        using var mapping = rig.Dma.Map(rig.Memory.Allocate(0x1000), DmaDirection.ToDevice);
        Assert.True(mapping.Address.Value < 0x1_0000);
    }

    [Fact]
    public void A_mask_gives_no_way_to_memory_to_a_driver_that_brings_its_own()
    {
        var device = new Device("d");
        device.Dma.Offer(new DmaPlatform(_memory), null);
        device.Dma.SetMask(40);
        Assert.Equal("none", device.Dma.Path);
        Assert.Equal(Status.NoDevice,
            Assert.Throws<ApertureException>(() => device.Dma.Map(_memory.Allocate(0x1000), DmaDirection.ToDevice)).Status);
        Assert.Equal(0xFF_FFFF_FFFFul, device.Dma.Mask.Value);
    }

    [Fact]
    public void Bounce_buffers_lie_where_a_window_leads_to_and_keep_the_boundary_there()
    {
        // The windows leave 4 of the pool's 16 MiB out, and move the others each by an amount of its own.
        const ulong Pool = Base + (16 << 20);
        const ulong Odd = 0x1000_8000;
        var device = new Device("d")
        {
            Description = new DeviceDescription
            {
                DmaRanges = [Window(Pool, 0x2000_0000, 4 << 20), Window(Pool + (8 << 20), Odd, 8 << 20)]
            },
        };
        var platform = new DmaPlatform(_memory)
        {
            ForceBounce = true,
            Bounce = new BounceOptions { Bytes = 16 << 20, MaxBytes = 16 << 20, Areas = 1 }
        };
        var wide = new Device("wide");
        DmaAttach.Attach(wide, new IommuCore(_tables), platform);
        wide.Dma.Map(_memory.Allocate(1), DmaDirection.ToDevice).Dispose(); // makes the pool
        DmaAttach.Attach(device, new IommuCore(_tables), platform);
        device.Dma.SetSegmentBoundary(0xFFFF);
        var origin = _memory.Allocate(0x9000);
        var live = new List<DmaMapping>();
        DmaMapping mapping;
        while (device.Dma.TryMap(origin, DmaDirection.ToDevice, out mapping) == Status.Ok)
        {
            var isFirst = mapping.Address.Value - 0x2000_0000 < 4 << 20;
            Assert.True(isFirst || mapping.Address.Value - Odd < 8 << 20, $"{mapping.Address}");
            Assert.Equal(mapping.Physical.Value, isFirst ? mapping.Address.Value - 0x2000_0000 + Pool : mapping.Address.Value - Odd + Pool
                + (8 << 20));
            Assert.Equal(mapping.Address.Value >> 16, (mapping.Address.Value + mapping.Length - 1) >> 16);
            live.Add(mapping);
        }

        // One in each 64 KiB of device addresses, but where the end of a segment of the pool lies in the middle of these.
        Assert.Equal(64 + 127 - 31, live.Count);
        Assert.Equal(live.Count, live.DistinctBy(each => each.Address).Count());
        live.ForEach(each => each.Dispose());
        Assert.Equal(0, device.Dma.BouncePool.UsedSlots);
    }

    [Fact]
    public void A_pool_does_not_grow_by_memory_that_no_window_leads_to()
    {
        var device = new Device("d") { Description = new DeviceDescription { DmaRanges = [Window(Base + (32 << 20), 0, 32 << 20)] } };
        DmaAttach.Attach(device, new IommuCore(_tables), new DmaPlatform(_memory) { ForceBounce = true });
        var origin = _memory.Allocate(0x1000);
        var free = _memory.FreePages;
        Assert.Equal(Status.OutOfRange, device.Dma.TryMap(origin, DmaDirection.ToDevice, out _));
        Assert.Equal((free, 0), (_memory.FreePages, device.Dma.BouncePool.TotalBytes));
    }

    [Fact]
    public void What_drivers_said_is_forgotten_when_they_let_go()
    {
        var device = new Device("d");
        var platform = new DmaPlatform(_memory);
        DmaAttach.Attach(device, new IommuCore(_tables), platform);
        device.Dma.SetMask(36);
        device.Dma.SetMaxSegmentSize(512);
        device.Dma.SetSegmentBoundary(0xFFFF);
        device.Dma.SetMinAlignMask(0xFFF);
        device.Dma.Detach();
        DmaAttach.Attach(device, new IommuCore(_tables), platform);
        Assert.Equal((uint.MaxValue, uint.MaxValue, 65536u, ulong.MaxValue, 0ul),
            (device.Dma.Mask.Value, device.Dma.CoherentMask.Value, device.Dma.MaxSegmentSize, device.Dma.SegmentBoundary,
            device.Dma.MinAlignMask));
    }

    [Theory]
    [InlineData("direct", ulong.MaxValue, ulong.MaxValue, 0ul)]
    [InlineData("iommu", ulong.MaxValue, 128ul << 10, 0xFFFul)]
    [InlineData("bounce", 256ul << 10, 256ul << 10, 0ul)]
    [InlineData("bounce-aligned", 252ul << 10, 252ul << 10, 0ul)]
    [InlineData("restricted", 256ul << 10, 256ul << 10, 0ul)]
    [InlineData("untrusted", 256ul << 10, 128ul << 10, 0ul)]
    [InlineData("untrusted-aligned", 252ul << 10, 128ul << 10, 0ul)]
    public void Sizes_are_what_the_path_can_do(string path, ulong max, ulong optimal, ulong merge)
    {
        using var rig = DmaRig.Make(path);
        Assert.Equal((max, optimal, merge), (rig.Dma.MaxMappingSize, rig.Dma.OptimalMappingSize, rig.Dma.MergeBoundary));
        if (max == ulong.MaxValue)
            return;
        // Whatever lies how, so much can be mapped, and a slot more cannot.
        var memory = rig.Memory.Allocate(1 << 20);
        foreach (var at in (int[])[0, 1, 2047, 4095])
        {
            var status = rig.Dma.TryMap(memory.Slice(at, (int)max), DmaDirection.ToDevice, out var mapping);
            Assert.Equal(Status.Ok, status);
            mapping.Dispose();
        }

        Assert.Equal(Status.InvalidArgument, rig.Dma.TryMap(memory.Slice(4095, (256 << 10) + 1), DmaDirection.ToDevice, out _));
        Assert.Equal(0, rig.Dma.BouncePool.UsedSlots);
    }

    [Fact]
    public void Address_bits_that_cannot_be_kept_are_refused()
    {
        using var rig = DmaRig.Make("iommu");
        rig.Dma.SetMinAlignMask(0xFFFF);
        var memory = rig.Memory.Allocate(0x1000);
        Assert.Contains("0xffff", Assert.Throws<ApertureException>(() => rig.Dma.Map(memory, DmaDirection.ToDevice)).Message,
            StringComparison.Ordinal);
        Assert.Equal(Status.NotSupported,
            Assert.Throws<ApertureException>(() => rig.Dma.MapScatter([memory], new DmaSegment[1], DmaDirection.ToDevice)).Status);
        Assert.Throws<ArgumentOutOfRangeException>(() => rig.Dma.SetMinAlignMask(0x7_FFFF));
        Assert.Throws<ArgumentOutOfRangeException>(() => rig.Dma.SetMinAlignMask(0xFF0));
        Assert.Throws<ArgumentOutOfRangeException>(() => rig.Dma.SetSegmentBoundary(0x7FF));
        Assert.Throws<ArgumentOutOfRangeException>(() => rig.Dma.SetSegmentBoundary(0x1_0000));
    }

    [Fact]
    public void Bounce_buffers_keep_address_bits_and_cross_no_boundary()
    {
        using var rig = DmaRig.Make("bounce");
        var random = new Random(5);
        var memory = rig.Memory.Allocate(1 << 20);
        foreach (var mask in (ulong[])[0, 0x1FF, 0x7FF, 0xFFF, 0x3FFF])
        {
            rig.Dma.SetMinAlignMask(mask);
            rig.Dma.SetSegmentBoundary(0xFFFF);
            var live = new List<DmaMapping>();
            for (var i = 0; i < 40; i++)
            {
                var block = memory.Slice(random.Next(500_000), 1 + random.Next(0x4000));
                var mapping = rig.Dma.Map(block, DmaDirection.ToDevice);
                Assert.Equal(block.Address.Value & mask, mapping.Address.Value & mask);
                Assert.Equal(mapping.Address.Value >> 16, (mapping.Address.Value + mapping.Length - 1) >> 16);
                live.Add(mapping);
            }

            live.ForEach(mapping => mapping.Dispose());
            Assert.Equal(0, rig.Dma.BouncePool.UsedSlots);
        }
    }

    [Fact]
    public void A_device_that_does_no_dma_is_refused_everything()
    {
        var device = new Device("still") { Description = new DeviceDescription { CanDma = false } };
        DmaAttach.Attach(device, new IommuCore(_tables), new DmaPlatform(_memory));
        var memory = _memory.Allocate(0x1000);
        var live = _memory.Live;
        Assert.Equal(("none", 0ul), (device.Dma.Path, device.Dma.MaxMappingSize));
        Action[] calls =
        [
            () => device.Dma.Map(memory, DmaDirection.ToDevice),
            () => device.Dma.MapAt(memory, default, DmaDirection.ToDevice),
            () => device.Dma.MapFrames(memory.Address, 1, DmaDirection.ToDevice),
            () => device.Dma.MapScatter([memory], new DmaSegment[1], DmaDirection.ToDevice),
            () => device.Dma.MapResource(new PhysicalAddress(0x1000), 1, DmaDirection.ToDevice),
            () => device.Dma.MapManaged(new byte[1], DmaDirection.ToDevice),
            () => device.Dma.Allocate(1),
            () => device.Dma.AllocatePages(1, DmaDirection.ToDevice),
            () => device.Dma.AllocateNoncontiguous(1, DmaDirection.ToDevice),
        ];
        Assert.All(calls, call => Assert.Equal(Status.NoDevice, Assert.Throws<ApertureException>(call).Status));
        Assert.Equal(Status.IoError, Assert.Throws<ApertureException>(() => device.Dma.SetMask(64)).Status);
        Assert.Equal((live + 1, 0), (_memory.Live, device.Dma.BouncePool.UsedSlots)); // the pool itself stays
    }
}
