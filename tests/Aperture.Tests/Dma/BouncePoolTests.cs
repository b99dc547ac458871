using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Dma.Bounce;
using Aperture.Dma.Memory;
using Aperture.Dma.Operations;
using Aperture.Iommu;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Dma;

public sealed class BouncePoolTests : IDisposable
{
    private readonly HonestMemory _memory = new(false);
    private readonly FakeMemory _tables = new();

    public void Dispose()
    {
        _memory.Dispose();
        _tables.Dispose();
    }

    private Device Attach(string name, BounceOptions options, BouncePool? restricted = null)
    {
        var device = new Device(name) { Description = new DeviceDescription { BouncePool = restricted } };
        DmaAttach.Attach(device, new IommuCore(_tables), new DmaPlatform(_memory) { Bounce = options, ForceBounce = true });
        return device;
    }

    [Fact]
    public void Full_pool_names_the_owners()
    {
        var pool = new BouncePool(_memory, _memory.Allocate(512 << 10));
        var greedy = Attach("greedy", new BounceOptions(), pool);
        var modest = Attach("modest", new BounceOptions(), pool);
        var memory = _memory.Allocate(256 << 10);
        var first = greedy.Dma.Map(memory, DmaDirection.ToDevice);
        using var second = modest.Dma.Map(memory.Slice(0, 4096), DmaDirection.ToDevice);
        var error = Assert.Throws<ApertureException>(() => modest.Dma.Map(memory, DmaDirection.ToDevice));
        Assert.Equal(Status.NoSpace, error.Status);
        Assert.Contains("greedy: 1 buffers, 262144 bytes; modest: 1 buffers, 4096 bytes", error.Message, StringComparison.Ordinal);
        first.Dispose();
        modest.Dma.Map(memory, DmaDirection.ToDevice).Dispose();
        Assert.Equal(2, pool.UsedSlots);
        Assert.Equal(Status.InvalidArgument, modest.Dma.TryMap(_memory.Allocate((256 << 10) + 1), DmaDirection.ToDevice, out var failed));
        Assert.False(failed.IsMapped);
        Assert.Equal(BouncePool.MaxMapping, (int)modest.Dma.MaxMappingSize);
    }

    [Fact]
    public void Bytes_that_the_device_does_not_write_come_back()
    {
        var device = Attach("d", new BounceOptions());
        var memory = _memory.Allocate(8192).Slice(100, 5000);
        memory.Span.Fill(0x55);
        var mapping = device.Dma.Map(memory, DmaDirection.FromDevice);
        _memory.Dram(new PhysicalAddress(mapping.Address.Value + 2050), 3).Fill(0xAA);
        Assert.Equal(0x55, memory.Span[2051]);
        mapping.SyncForCpu(2051, 1);
        Assert.Equal([0x55, 0xAA, 0x55], memory.Span[2050..2053].ToArray());
        mapping.Dispose();
        Assert.Equal([0x55, 0xAA, 0xAA, 0xAA, 0x55], memory.Span[2049..2054].ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => mapping.SyncForCpu(4999, 2));
    }

    [Theory]
    [InlineData("bounce")]
    [InlineData("restricted")]
    [InlineData("untrusted")]
    public void A_second_unmap_is_refused_and_leaves_the_next_owner_alone(string path)
    {
        using var rig = DmaRig.Make(path,
            bounce: new BounceOptions { Bytes = BouncePool.MaxMapping, MaxBytes = BouncePool.MaxMapping, Areas = 1 });
        var memory = rig.Memory.Allocate(0x2000);
        var first = rig.Dma.Map(memory.Slice(1, 100), DmaDirection.FromDevice);
        first.Dispose();
        Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(() => first.Dispose()).Status);
        Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(() => first.SyncForCpu(50, 1)).Status);
        Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(() => first.SyncForDevice()).Status);
        var segments = new DmaSegment[1];
        var list = rig.Dma.MapScatter([memory.Slice(1, 100)], segments, DmaDirection.FromDevice);
        list.Dispose();
        var again = Status.Ok;
        try
        {
            list.Dispose();
        }
        catch (ApertureException e)
        {
            again = e.Status;
        }

        Assert.Equal(Status.InvalidArgument, again);
        using var next = rig.Dma.Map(memory.Slice(0x1001, 100), DmaDirection.FromDevice);
        Assert.Equal(1, rig.Dma.BouncePool.UsedSlots / (path == "untrusted" ? 2 : 1));
        rig.Write(next.Address + 5, [7]);
        next.SyncForCpu();
        Assert.Equal(7, memory.Span[0x1006]);
    }

    [Fact]
    public void Coherent_memory_of_a_restricted_pool_is_given_back_once()
    {
        using var rig = DmaRig.Make("restricted");
        var buffer = rig.Dma.Allocate(0x1000);
        using var other = rig.Dma.Allocate(0x1000);
        var used = rig.Dma.BouncePool.UsedSlots;
        buffer.Dispose();
        Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(() => buffer.Dispose()).Status);
        Assert.Equal(used - 2, rig.Dma.BouncePool.UsedSlots);
    }

    [Fact]
    public void Memory_of_the_pool_itself_stays_out_when_a_list_with_it_ends()
    {
        using var rig = DmaRig.Make("restricted");
        using var pages = rig.Dma.AllocatePages(0x1000, DmaDirection.Bidirectional);
        var used = rig.Dma.BouncePool.UsedSlots;
        var outside = rig.Memory.Allocate(0x1000);
        var segments = new DmaSegment[2];
        using (var list = rig.Dma.MapScatter([pages.Memory, outside], segments, DmaDirection.FromDevice))
        {
            Assert.Equal(pages.Mapping.Address, segments[0].Address);
            Assert.Equal((false, true), (rig.Dma.NeedsSync(segments[0].Address), rig.Dma.NeedsSync(segments[1].Address)));
            rig.Write(segments[1].Address, [9]);
        }

        Assert.Equal((used, 9), (rig.Dma.BouncePool.UsedSlots, outside.Span[0]));
    }

    [Fact]
    public void Unreachable_memory_bounces_and_reachable_memory_does_not()
    {
        var low = _memory.Allocate(4096);
        var blocks = Enumerable.Range(0, 3).Select(_ => _memory.Allocate(16 << 20)).ToArray();
        var high = blocks.Single(block => block.Address.Value == HonestMemory.Base + (48 << 20)).Slice(0, 4096);
        _memory.Free(blocks.Single(block => block.Address.Value == HonestMemory.Base + (16 << 20)));
        var device = new Device("short") { Description = new DeviceDescription() };
        DmaAttach.Attach(device, new IommuCore(_tables), new DmaPlatform(_memory));
        Assert.Equal("direct", device.Dma.Path);
        device.Dma.BusLimit = new Iova(HonestMemory.Base + (32 << 20) - 1);
        device.Dma.SetMask(32);
        Assert.Equal(("bounce", true), (device.Dma.Path, device.Dma.IsAddressingLimited));
        using var a = device.Dma.Map(low, DmaDirection.ToDevice);
        Assert.Equal(low.Address.Value, a.Address.Value);
        Assert.False(a.NeedsSync);
        using var b = device.Dma.Map(high, DmaDirection.ToDevice);
        Assert.True(b.Address.Value < HonestMemory.Base + (32 << 20));
        Assert.True(device.Dma.NeedsSync(b.Address + 100) && !device.Dma.NeedsSync(a.Address));
    }

    [Fact]
    public void Untrusted_device_sees_nothing_but_its_own_bytes()
    {
        using var rig = DmaRig.Make("untrusted-noncoherent");
        var memory = rig.Memory.Allocate(8192);
        memory.Span.Fill(0x77);
        // What an earlier user left in the slots.
        for (var i = 0; i < 4; i++)
            rig.Dma.Map(memory.Slice(0, 8000), DmaDirection.ToDevice).Dispose();
        using var mapping = rig.Dma.Map(memory.Slice(512, 600), DmaDirection.Bidirectional);
        var page = new byte[4096];
        rig.Read(mapping.Address.AlignDown(4096), page);
        Assert.Equal(600, page.Count(value => value == 0x77));
        Assert.Equal(3496, page.Count(value => value == 0));
    }

    [Fact]
    public void Pools_that_eight_threads_filled_come_back_whole()
    {
        const int Threads = 8;
        const int Buffers = 32; // of 64 KiB in the 2 MiB that the pool grows to
        var device = Attach("d", new BounceOptions { Bytes = 512 << 10, MaxBytes = 2 << 20, Areas = 2 });
        var taken = new int[3];
        var wrong = 0;
        using var barrier = new Barrier(Threads);
        var threads = Enumerable.Range(1, Threads).Select(number => new Thread(() =>
        {
            var memory = _memory.Allocate(64 << 10);
            for (var round = 0; round < taken.Length; round++)
            {
                barrier.SignalAndWait();
                var held = new List<DmaMapping>();
                while (device.Dma.TryMap(memory, DmaDirection.FromDevice, out var mapping) == Status.Ok)
                {
                    _memory.Dram(new PhysicalAddress(mapping.Address.Value), memory.Length).Fill((byte)number);
                    held.Add(mapping);
                }

                Interlocked.Add(ref taken[round], held.Count);
                barrier.SignalAndWait();
                foreach (var mapping in held)
                {
                    mapping.Dispose();
                    if (memory.Span.ContainsAnyExcept((byte)number))
                        Interlocked.Increment(ref wrong);
                }
            }
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        Assert.Equal([Buffers, Buffers, Buffers], taken);
        Assert.Equal(0, wrong);
        Assert.Equal((2 << 20, 0), (device.Dma.BouncePool.TotalBytes, device.Dma.BouncePool.UsedSlots));
    }

    [Fact]
    public void Eight_threads_on_a_full_and_growing_pool_lose_nothing()
    {
        var seed = Environment.TickCount;
        var device = Attach("d", new BounceOptions { Bytes = 512 << 10, MaxBytes = 2 << 20 });
        var full = 0;
        var errors = new System.Collections.Concurrent.ConcurrentQueue<string>();
        var threads = Enumerable.Range(0, 8).Select(number => new Thread(() =>
        {
            var random = new Random(seed + number);
            var memory = _memory.Allocate(1 << 20);
            var live = new Queue<(DmaMapping Mapping, int Start, byte Value)>();
            for (var i = 0; i < 3000; i++)
            {
                var place = i % 16;
                if (live.Count == 16 || (live.Count > 0 && random.Next(3) == 0))
                    End(memory, live.Dequeue());
                if (live.Any(entry => entry.Start == place << 16))
                    continue;
                var bytes = random.Next(1, 65536);
                var block = memory.Slice(place << 16, bytes);
                if (device.Dma.TryMap(block, DmaDirection.FromDevice, out var mapping) != Status.Ok)
                {
                    Interlocked.Increment(ref full);
                    continue;
                }

                var value = (byte)random.Next(256);
                _memory.Dram(new PhysicalAddress(mapping.Address.Value), bytes).Fill(value);
                live.Enqueue((mapping, place << 16, value));
            }

            while (live.TryDequeue(out var entry))
                End(memory, entry);
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        Assert.Empty(errors);
        Assert.Equal(0, device.Dma.BouncePool.UsedSlots);
        Assert.Equal(2 << 20, device.Dma.BouncePool.TotalBytes);
        Assert.True(full > 0, "the pool was never full");
        // Every slot can be had again.
        var rest = Enumerable.Range(0, 8).Select(_ => device.Dma.Map(_memory.Allocate(256 << 10), DmaDirection.ToDevice)).ToArray();
        Assert.Equal(1024, device.Dma.BouncePool.UsedSlots);
        foreach (var mapping in rest)
            mapping.Dispose();

        void End(MemoryBlock memory, (DmaMapping Mapping, int Start, byte Value) entry)
        {
            entry.Mapping.Dispose();
            if (memory.Span.Slice(entry.Start, (int)entry.Mapping.Length).IndexOfAnyExcept(entry.Value) >= 0)
                errors.Enqueue($"seed {seed}: bytes at 0x{entry.Start:x} were lost");
        }
    }
}
