using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Dma.Bounce;
using Aperture.Dma.Memory;
using Aperture.Dma.Operations;
using Aperture.Iommu;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Dma;

/// <summary>Where memory that comes with its mapping is taken from, in the order of preference.</summary>
public sealed class AllocationSourceTests : IDisposable
{
    private readonly HonestMemory _memory = new(true);
    private readonly FakeMemory _tables = new();
    private readonly DmaPlatform _platform;
    private readonly IommuCore _core;
    private readonly DmaPool _machineArea;
    private readonly DmaPool _machinePool;

    public AllocationSourceTests()
    {
        _platform = new DmaPlatform(_memory);
        _core = new IommuCore(_tables);
        _machineArea = Pool("machine-area", 16);
        _machinePool = Pool("machine-pool", 16);
    }

    public void Dispose()
    {
        _memory.Dispose();
        _tables.Dispose();
    }

    private DmaPool Pool(string name, int pages) => new(_memory, _memory.Allocate(pages << 12), name);

    private Device Attach(DeviceDescription description, bool behind = false)
    {
        var device = new Device("d") { Description = description };
        if (behind)
        {
            var unit = new FakeUnit(new Device("u"));
            _core.Register(unit);
            _core.Configure(device, [new IommuSpecifier(unit.Device.Key, "u", [1])]);
        }

        DmaAttach.Attach(device, _core, _platform);
        return device;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_pool_of_its_own_comes_first_and_nothing_after_it(bool behind)
    {
        var pool = Pool("own", 4);
        _platform.CoherentPool = _machinePool;
        _platform.ContiguousArea = _machineArea;
        var device = Attach(new DeviceDescription
        {
            CoherentPool = pool,
            ContiguousArea = Pool("area", 4),
            BouncePool = new BouncePool(_memory, _memory.Allocate(256 << 10))
        }, behind);
        using (var buffer = device.Dma.Allocate(3 << 12))
            Assert.True(pool.Owns(buffer.Memory.Address));
        var error = Assert.Throws<ApertureException>(() => device.Dma.Allocate(5 << 12));
        Assert.Equal(Status.NoMemory, error.Status);
        Assert.Contains("0x5000", error.Message, StringComparison.Ordinal);
        Assert.Equal((0, 0, 0), (pool.UsedPages, _machineArea.UsedPages, _machinePool.UsedPages));
    }

    [Fact]
    public void The_machines_pool_serves_direct_devices_that_do_not_snoop_and_nobody_else()
    {
        _platform.CoherentPool = _machinePool;
        var device = Attach(new DeviceDescription());
        using (var buffer = device.Dma.Allocate(100))
            Assert.True(_machinePool.Owns(buffer.Memory.Address));
        using (var buffer = device.Dma.Allocate(100, DmaAttributes.NoKernelMapping))
            Assert.False(_machinePool.Owns(buffer.Memory.Address));
        Assert.Throws<ApertureException>(() => device.Dma.Allocate(17 << 12));
        using (var buffer = device.Dma.AllocatePages(100, DmaDirection.ToDevice))
            Assert.False(_machinePool.Owns(buffer.Memory.Address));
        foreach (var other in (Device[])[Attach(new DeviceDescription { IsCoherent = true }),
            Attach(new DeviceDescription(), behind: true)])
        {
            using var buffer = other.Dma.Allocate(100);
            Assert.False(_machinePool.Owns(buffer.Memory.Address));
        }

        Assert.Equal(0, _machinePool.UsedPages);
    }

    [Fact]
    public void Everything_of_a_device_with_a_restricted_pool_comes_from_it()
    {
        var pool = new BouncePool(_memory, _memory.Allocate(512 << 10));
        _platform.ContiguousArea = _machineArea;
        var device = Attach(new DeviceDescription { BouncePool = pool });
        var live = _memory.Live;
        using (var coherent = device.Dma.Allocate(9000))
        using (var pages = device.Dma.AllocatePages(9000, DmaDirection.Bidirectional))
        using (var pieces = device.Dma.AllocateNoncontiguous(9000, DmaDirection.Bidirectional))
        {
            Assert.True(pool.Contains(coherent.Memory.Address) && pool.Contains(pages.Memory.Address)
                && pool.Contains(pieces.Pieces[0].Address));
            Assert.All([coherent.Address, pages.Mapping.Address, pieces.Address], address =>
                Assert.True(pool.Contains(new PhysicalAddress(address.Value)) && address.IsAligned(16384)));
            Assert.Equal(24, pool.UsedSlots);
        }

        Assert.Equal((0, live, 0), (pool.UsedSlots, _memory.Live, _machineArea.UsedPages));
        var error = Assert.Throws<ApertureException>(() => device.Dma.Allocate((256 << 10) + 1));
        Assert.Equal(Status.NoSpace, error.Status);
    }

    [Fact]
    public void Areas_are_tried_before_the_machines_memory()
    {
        _platform.ContiguousArea = _machineArea;
        var device = Attach(new DeviceDescription());
        using (var small = device.Dma.Allocate(4096))
        using (var large = device.Dma.Allocate(4097))
            Assert.Equal((false, true), (_machineArea.Owns(small.Memory.Address), _machineArea.Owns(large.Memory.Address)));
        using (var larger = device.Dma.Allocate(17 << 12))
            Assert.False(_machineArea.Owns(larger.Memory.Address));

        var own = Pool("area", 4);
        var other = Attach(new DeviceDescription { ContiguousArea = own });
        using (var buffer = other.Dma.Allocate(1))
        using (var pages = other.Dma.AllocatePages(1, DmaDirection.ToDevice))
            Assert.True(own.Owns(buffer.Memory.Address) && own.Owns(pages.Memory.Address));
        Assert.Equal(Status.NoMemory, Assert.Throws<ApertureException>(() => other.Dma.Allocate(5 << 12)).Status);
        Assert.Equal((0, 0), (own.UsedPages, _machineArea.UsedPages));
    }

    [Fact]
    public void On_chip_memory_comes_first_and_off_chip_memory_when_it_is_full()
    {
        var chip = Pool("on-chip", 4);
        var both = new PrioritisedMemory(chip, _memory);
        var platform = new DmaPlatform(both);
        var device = new Device("d");
        DmaAttach.Attach(device, _core, platform);
        Assert.False(device.Dma.IsCoherent);
        var first = device.Dma.Allocate(3 << 12);
        var second = device.Dma.Allocate(3 << 12);
        Assert.Equal((true, false), (chip.Owns(first.Memory.Address), chip.Owns(second.Memory.Address)));
        first.Dispose();
        second.Dispose();
        Assert.Equal(0, chip.UsedPages);
        Assert.Equal((HonestMemory.Line, _memory.HighestAddress, new PhysicalAddress(HonestMemory.Base)),
            (both.CacheAlignment, both.HighestAddress, both.LowestAddress));
        Assert.True(both.Owns(_memory.HighestAddress) && !both.Owns(_memory.HighestAddress + 1));
        Assert.Contains("from none of these", Assert.Throws<ApertureException>(() => both.Free(default)).Message, StringComparison.Ordinal);
        Assert.Throws<ApertureException>(() => new PrioritisedMemory());
    }

    /// <summary>A device left something in memory, and the caches hold zeroes: the pool must not take these for what is in
    /// memory.</summary>
    [Fact]
    public void Memory_of_a_pool_is_zero_for_the_device_too()
    {
        var pool = Pool("area", 1);
        var device = Attach(new DeviceDescription { ContiguousArea = pool });
        using (var first = device.Dma.AllocatePages(4096, DmaDirection.FromDevice))
            _memory.Dram(first.Memory.Address, 4096).Fill(0x42);
        using var second = device.Dma.AllocatePages(4096, DmaDirection.ToDevice);
        Assert.Equal(-1, _memory.Dram(second.Memory.Address, 4096).IndexOfAnyExcept((byte)0));
    }
}
