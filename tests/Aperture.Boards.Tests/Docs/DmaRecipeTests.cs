using Aperture.Boards.Tests.Running;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.DmaMaster;
using Aperture.Dma;
using Aperture.Dma.Bounce;
using Aperture.Dma.Memory;
using Aperture.Dma.Sanitizer;
using Aperture.Dma.Shared;
using Aperture.Drivers.DmaMaster;
using Aperture.Hardware.Bus;
using Aperture.Iommu;

namespace Aperture.Boards.Tests.Docs;

/// <summary>The examples of docs/dma-api.md, which shows parts of this file as they are. They run on a board whose masters do not snoop,
/// and the sanitizer must have nothing to say.</summary>
public sealed class DmaRecipeTests : IDisposable
{
    private readonly Machine _machine = Machine.Boot(
        Runs.Own("exynos4412-media"), new MachineOptions { Sanitizer = new SanitizerOptions(), CpuCaches = new CpuCacheOptions() });
    private readonly DmaMasterClient[] _masters;

    public DmaRecipeTests() => _masters = Masters(_machine);

    public void Dispose()
    {
        _machine.Sanitizer!.AssertClean();
        _machine.Dispose();
    }

    private static DmaMasterClient[] Masters(Machine machine) =>
        [.. machine.Masters.Select(master => master.Device?.Bound).OfType<DmaMasterClient>()];

    [Fact]
    public void Streaming()
    {
        var (hardware, dma, bytes) = (_masters[0], _masters[0].Device.Dma, Pattern(8192));
        // To the device: fill, map, let it read, unmap.
        var block = dma.Memory.Allocate(8192);
        bytes.CopyTo(block.Span);
        using (var mapping = dma.Map(block, DmaDirection.ToDevice))
            Assert.True(hardware.Verify(0, mapping.Address, mapping.Length, seed: 1).IsOk);

        // From the device: map, let it write, unmap, look.
        using (var mapping = dma.Map(block, DmaDirection.FromDevice))
            Assert.True(hardware.Fill(0, mapping.Address, mapping.Length, seed: 1).IsOk);
        Assert.True(block.Span.SequenceEqual(bytes));
        dma.Memory.Free(block);
    }

    [Fact]
    public void Two_steps()
    {
        var (hardware, dma) = (_masters[0], _masters[0].Device.Dma);
        MemoryBlock[] ranges = [dma.Memory.Allocate(0x1000).Slice(0x800, 0x800), dma.Memory.Allocate(0x3000), dma.Memory.Allocate(0x1000)];
        var total = 0x4800ul;
        // Ranges that come one by one, in device addresses that follow each other. Without an IOMMU, or where bytes may be copied, each is
        // mapped by itself.
        var links = new LinkedMapping();
        if (links.TryAllocate(dma, total, ranges[0].Address))
        {
            ulong offset = 0;
            foreach (var range in ranges)
            {
                links.Link(offset, range, DmaDirection.FromDevice);
                offset += (ulong)range.Length;
            }

            links.Sync(); // from here on the device may use it
            Assert.True(hardware.Fill(0, links.Address, total, seed: 6).IsOk);
            links.Free();
        }

        byte[] seen = [.. ranges[0].Span, .. ranges[1].Span, .. ranges[2].Span];
        var expected = dma.Memory.Allocate((int)total);
        using (var mapping = dma.Map(expected, DmaDirection.FromDevice))
            Assert.True(hardware.Fill(0, mapping.Address, total, seed: 6).IsOk);
        Assert.True(expected.Span.SequenceEqual(seen));
    }

    [Fact]
    public void Memory_of_another_device()
    {
        const uint Window = 0x0300_0000;
        var (hardware, dma, provider) = (_masters[0], _masters[0].Device.Dma, _masters[1].Device);
        var (window, block) = (new PhysicalAddress(Window), dma.Memory.Allocate(0x1000));
        var registers = new VideoMemory();
        _machine.Bus.Attach(window, registers);
        // The driver of a device with memory of its own lets others reach it; they map parts of it like RAM, also in lists beside RAM.
        using var video = provider.Dma.Publish(new MemoryRange(window, 0x1000));
        Span<DmaSegment> places = stackalloc DmaSegment[2];
        using (var list = dma.MapScatter([video.Slice(0, 0x1000), block], places, DmaDirection.ToDevice))
            Assert.True(hardware.Read(0, list.Segments[0].Address, 4).IsOk);
        Assert.True(registers.Reads > 0);
        using (var mapping = dma.Map(video.Slice(0x10, 8), DmaDirection.FromDevice))
            Assert.True(hardware.Fill(0, mapping.Address, 8, seed: 1).IsOk);
        Assert.NotEqual(0ul, registers.Written);
        _machine.Bus.Detach(registers);
    }

    [Fact]
    public void A_confidential_machine()
    {
        using var machine = Machine.Boot(Runs.Own("exynos4412-media"),
            new MachineOptions { Sanitizer = new SanitizerOptions(), CpuCaches = new CpuCacheOptions(), IsConfidential = true });
        var hardware = Masters(machine)[0];
        var dma = hardware.Device.Dma;
        Assert.Equal("iommu+bounce", dma.Path);
        var block = dma.Memory.Allocate(0x2000);
        using (var mapping = dma.Map(block, DmaDirection.FromDevice))
            Assert.True(hardware.Fill(0, mapping.Address, 0x2000, seed: 1).IsOk);
        using (var mapping = dma.Map(block, DmaDirection.ToDevice))
            Assert.True(hardware.Verify(0, mapping.Address, 0x2000, seed: 1).IsOk);
        using (var ring = dma.Allocate(0x1000))
            Assert.True(hardware.Fill(0, ring.Address, 0x1000, seed: 1).IsOk);

        // The bus refuses what is private, whoever mapped it.
        var domain = machine.Iommu.Groups[0].Domain!;
        Assert.Equal(Status.Ok, domain.Map(new Iova(0x7000_0000), block.Address, 0x2000, Protection.ReadWrite));
        using (machine.Sanitizer!.Allow(hardware.Device))
        {
            Assert.False(hardware.Read(0, new Iova(0x7000_0000), 64).IsOk);
            dma.Memory.Share(block);
            Assert.True(hardware.Read(0, new Iova(0x7000_0000), 64).IsOk);
        }

        domain.Unmap(new Iova(0x7000_0000), 0x2000);
        using (var mapping = dma.Map(block, DmaDirection.FromDevice, DmaAttributes.CcShared))
            Assert.True(hardware.Fill(0, mapping.Address, 0x2000, seed: 2).IsOk);
        dma.Memory.Free(block);
        machine.Sanitizer.AssertClean();
    }

    [Fact]
    public void Everything_bounces()
    {
        var tree = Runs.Own("rk3399-media");
        // The same board and drivers, with no IOMMU in use and every mapping copied: what was forgotten shows.
        using var machine = Machine.Boot(tree, new MachineOptions
        {
            Sanitizer = new SanitizerOptions(),
            DefaultDomain = DomainType.Identity,
            Dma = platform =>
            {
                platform.ForceBounce = true;
                platform.Bounce = new BounceOptions { Bytes = 1 << 20, MaxBytes = 2 << 20 };
            },
        });
        var hardware = Masters(machine)[0];
        var dma = hardware.Device.Dma;
        Assert.Equal("bounce", dma.Path);
        var block = dma.Memory.Allocate(8192);
        using (var mapping = dma.Map(block, DmaDirection.FromDevice))
        {
            Assert.True(hardware.Fill(0, mapping.Address, mapping.Length, seed: 1).IsOk);
            Assert.NotEqual(block.Address.Value, mapping.Address.Value);
            Assert.Equal(1 << 20, dma.BouncePool.TotalBytes);
        }

        Assert.True(block.Span.SequenceEqual(Pattern(8192)));
        machine.Sanitizer!.AssertClean();
    }

    [Fact]
    public void Failure()
    {
        var dma = _masters[0].Device.Dma;
        var block = dma.Memory.Allocate(4096);
        // On a path where exceptions are too dear, failure is a result. A failed mapping has no address.
        var status = dma.TryMap(block, DmaDirection.ToDevice, out var mapping);
        if (status != Status.Ok)
            throw new ApertureException(status, dma.Explain(status, block, DmaDirection.ToDevice));
        mapping.Dispose();
        dma.Memory.Free(block);

        // Until there is none: the failure is a result, it has no address, and what was there before stays.
        var large = dma.Memory.Allocate(64 << 20);
        var mappings = new List<DmaMapping>();
        while ((status = dma.TryMap(large, DmaDirection.ToDevice, out mapping)) == Status.Ok)
            mappings.Add(mapping);
        Assert.Equal(Status.NoSpace, status);
        Assert.False(mapping.IsMapped);
        Assert.InRange(mappings.Count, 1, (int)((1L << 32) / large.Length));
        foreach (var made in mappings)
            made.Dispose();
        dma.Memory.Free(large);
    }

    [Fact]
    public void Partial_sync()
    {
        var (hardware, dma) = (_masters[0], _masters[0].Device.Dma);
        var good = 0;
        // A buffer that stays mapped: only the bytes that are looked at change hands.
        var page = dma.Memory.Allocate(4096);
        using (var mapping = dma.Map(page, DmaDirection.FromDevice))
        {
            for (ulong frame = 0; frame < 4; frame++)
            {
                Assert.True(hardware.Fill(0, mapping.Address + 2048, 60, seed: frame).IsOk);
                mapping.SyncForCpu(2048, 60);
                good += IsFrame(page.Slice(2048, 60).Span, frame) ? 1 : 0; // exactly what was synced
                mapping.SyncForDevice(2048, 60);
            }
        }

        dma.Memory.Free(page);
        Assert.Equal(4, good);
    }

    [Fact]
    public void Scatterlist()
    {
        var (hardware, dma) = (_masters[0], _masters[0].Device.Dma);
        MemoryBlock[] pages = [dma.Memory.Allocate(4096), dma.Memory.Allocate(4096), dma.Memory.Allocate(4096)];
        // Pieces that meet at page borders become one segment behind an IOMMU.
        Span<DmaSegment> places = stackalloc DmaSegment[pages.Length];
        using (var list = dma.MapScatter(pages, places, DmaDirection.FromDevice))
            Assert.True(hardware.Fill(0, list.Segments, seed: 7).IsOk);

        // The same for a list that outlives the call: one table for each request in flight, used again and again.
        var table = new ScatterTable(capacity: 16);
        table.Map(dma, pages, DmaDirection.ToDevice);
        Assert.True(hardware.Verify(0, table.Segments, seed: 7).IsOk);
        table.Unmap();
        foreach (var page in pages)
            dma.Memory.Free(page);
    }

    [Fact]
    public void Coherent()
    {
        var (hardware, dma) = (_masters[0], _masters[0].Device.Dma);
        // A descriptor ring: both sides see each write at once, there is nothing to sync.
        using var ring = dma.Allocate(64 * DmaMasterDescriptor.Size);
        new DmaMasterDescriptor(0x1000, 512).Write(ring.Span);
        Assert.True(hardware.Read(0, ring.Address, DmaMasterDescriptor.Size).IsOk);
    }

    [Fact]
    public void Blocks()
    {
        var (hardware, dma) = (_masters[0], _masters[0].Device.Dma);
        // Descriptors that come and go one by one: small blocks, cut out of whole pages.
        using var blocks = new CoherentBlocks(dma, DmaMasterDescriptor.Size, alignment: 16);
        using var block = blocks.Allocate();
        new DmaMasterDescriptor(0x1000, 512).Write(block.Span);
        Assert.True(hardware.Read(0, block.Address, DmaMasterDescriptor.Size).IsOk);
    }

    [Fact]
    public void Pages_that_stay()
    {
        var (hardware, dma) = (_masters[0], _masters[0].Device.Dma);
        // Cached memory with a mapping that lasts: from a contiguous area where the board has one. Turns are taken by syncs.
        using var buffer = dma.AllocatePages(64 << 10, DmaDirection.Bidirectional);
        Assert.True(hardware.Fill(0, buffer.Mapping.Address, 64 << 10, seed: 3).IsOk);
        buffer.Mapping.SyncForCpu();
        buffer.Span[0]++;
        buffer.Mapping.SyncForDevice();
        // the first byte differs now
        Assert.Equal(buffer.Mapping.Address, hardware.Verify(0, buffer.Mapping.Address, 64 << 10, seed: 3).Address);
    }

    [Fact]
    public void Limits()
    {
        var device = _masters[0].Device;
        // In Probe, before the first map: what the device can do.
        device.Dma.SetMask(32);
        device.Dma.SetMaxSegmentSize(65536);
        device.Dma.SetSegmentBoundary(0xFFFF_FFFF);
        var largest = Math.Min(device.Dma.OptimalMappingSize, 512 << 10);
        Assert.InRange(largest, 4096u, 512u << 10);
    }

    [Fact]
    public void Fixed_address()
    {
        var (hardware, dma) = (_masters[0], _masters[0].Device.Dma);
        var block = dma.Memory.Allocate(4096);
        // Firmware that was linked to an address finds its data there. Without an IOMMU this is refused.
        using (var mapping = dma.MapAt(block, new Iova(0x1000_0000), DmaDirection.FromDevice))
            Assert.True(hardware.Fill(0, new Iova(0x1000_0000), 4096, seed: 1).IsOk);
        dma.Memory.Free(block);
    }

    [Fact]
    public void Shared()
    {
        var (producer, consumer) = (_masters[0], _masters[1]);
        // One buffer, two devices, the same device address for both; a fence between the turns.
        using var buffer = SharedBuffer.Allocate(_machine.Drivers.Memory, 64 << 10);
        var address = buffer.AttachAll([producer.Device, consumer.Device]);
        var consumed = false;
        using (buffer.TryBegin(producer.Device, DmaDirection.FromDevice))
        {
            buffer.BeginAfterFences(consumer.Device, DmaDirection.ToDevice, turn =>
            {
                consumed = consumer.Verify(0, address, 64 << 10, seed: 5).IsOk;
                turn.Dispose();
            });
            Assert.True(producer.Fill(0, address, 64 << 10, seed: 5).IsOk);
        }

        Assert.True(consumed); // when the producer's turn was over
    }

    [Fact]
    public void Imported()
    {
        var (hardware, dma) = (_masters[0], _masters[0].Device.Dma);
        var user = dma.Memory.Allocate(8192);
        PhysicalAddress[] frames = [user.Address, user.Address + 4096];
        // A user's pages, of which only the page frames are known: 6000 bytes from byte 100 on.
        Span<MemoryBlock> pieces = stackalloc MemoryBlock[frames.Length];
        var count = DmaContext.ImportFrames(frames, pageSize: 4096, offset: 100, length: 6000, pieces);
        Span<DmaSegment> places = stackalloc DmaSegment[count];
        using (var list = dma.MapScatter(pieces[..count], places, DmaDirection.FromDevice))
            Assert.True(hardware.Fill(0, list.Segments, seed: 2).IsOk);

        // Managed memory, up to 256 KiB: pinned, and copied, because no device reaches the managed heap.
        var managed = new byte[1000];
        using (var mapping = dma.MapManaged(managed, DmaDirection.FromDevice))
            Assert.True(hardware.Fill(0, mapping.Mapping.Address, 1000, seed: 2).IsOk);
        Assert.True(managed.AsSpan().SequenceEqual(user.Slice(100, 1000).Span));
        dma.Memory.Free(user);
    }

    [Fact]
    public void User_view()
    {
        var dma = _masters[0].Device.Dma;
        // What a process would map: it knows its bounds, and is void when the buffer goes.
        using var buffer = dma.Allocate(8192);
        using var view = buffer.MapToUser(offset: 4096, length: 4096);
        view.Span.Fill(0xFF);
        Assert.Equal(0xFF, buffer.Span[4096]);
    }

    private static byte[] Pattern(int length, ulong seed = 1)
    {
        var bytes = new byte[length];
        DmaMasterPattern.Fill(bytes, seed, 0);
        return bytes;
    }

    private static bool IsFrame(ReadOnlySpan<byte> bytes, ulong frame) => bytes.SequenceEqual(Pattern(bytes.Length, frame));

    /// <summary>Registers that count: a word that was written last, and how often one was read.</summary>
    private sealed class VideoMemory : IMmioDevice
    {
        public uint Size => 0x1000;

        public int Reads { get; private set; }

        public ulong Written { get; private set; }

        public bool TryRead(uint offset, int width, out ulong value)
        {
            value = offset;
            Reads++;
            return true;
        }

        public bool TryWrite(uint offset, int width, ulong value)
        {
            Written = value;
            return true;
        }
    }
}
