using Aperture.Boards;
using Aperture.Devices;
using Aperture.DeviceTrees;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Dma.Sanitizer;
using Aperture.Iommu;

namespace Aperture.Benchmarks.Dma;

/// <summary>The DMA API of masters on a booted board: the unit is powered, its driver invalidates through registers.</summary>
internal sealed class DmaWork : IDisposable
{
    public const int BounceBytes = 64 << 10;

    /// <summary>Pages that <see cref="LinkPages"/> links at once.</summary>
    public const int LinkedPages = 64;

    /// <summary>How many more tests <see cref="PageWithTests"/> makes.</summary>
    public const int ExtraTests = 64;

    /// <summary>How many tests a map and an unmap make of whether somebody listens.</summary>
    public const int Tests = 3;

    private readonly Machine _machine;
    private readonly Device _device;
    private readonly Device _other;
    private readonly MemoryBlock _memory;
    private readonly MemoryBlock _otherMemory; // of the second device: other pages
    private readonly MemoryBlock _large;
#pragma warning disable IDE0044 // read as one that changes: by Volatile.Read, which takes no readonly field
    private SanitizerOptions? _listener; // null while nobody listens
#pragma warning restore IDE0044
    private readonly byte[] _plain = new byte[BounceBytes];
    private readonly MemoryBlock[] _pages = new MemoryBlock[LinkedPages]; // that do not follow each other
    private readonly LinkedMapping _links = new();

    private DmaWork(string board, DomainType type, bool isDirect, bool isBounced, SanitizerOptions? sanitizer = null)
    {
        using var resource = typeof(DmaWork).Assembly.GetManifestResourceStream($"boards/{board}.dtb")!;
        var tree = new byte[resource.Length];
        resource.ReadExactly(tree);
        _machine = Machine.Boot(DeviceTree.Parse(tree), new MachineOptions { DefaultDomain = type, Sanitizer = sanitizer });
        var masters = _machine.Masters.Where(master => master is { Device.Iommu: not null, Units.Count: 1 })
            .Select(master => master.Device!).ToArray();
        _device = isDirect ? Direct("direct", isBounced) : masters[0];
        _other = isDirect ? Direct("other", isBounced) : masters[^1];
        _listener = sanitizer;
        _device.Power.Get();
        if (_other != _device)
            _other.Power.Get();
        _memory = _device.Dma.Memory.Allocate(4096);
        _otherMemory = _other.Dma.Memory.Allocate(4096);
        _large = _device.Dma.Memory.Allocate(BounceBytes);
        for (var i = LinkedPages - 1; i >= 0; i--)
            _pages[i] = _device.Dma.Memory.Allocate(4096);
        // Neighbours keep the tables alive, as in any space in use.
        Neighbour(_device);
        Neighbour(_other);
    }

    public static DmaWork Strict() => new("exynos5433-media", DomainType.Dma, false, false);

    /// <summary>Strict, with the sanitizer on.</summary>
    public static DmaWork Sanitized() => new("exynos5433-media", DomainType.Dma, false, false, new SanitizerOptions());

    /// <summary>The same with memory that the CPU took, which is compared.</summary>
    public static DmaWork SanitizedContents()
    {
        var work = Sanitized();
        work._memory.Span.Clear();
        work._otherMemory.Span.Clear();
        return work;
    }

    /// <summary>Direct, with the sanitizer on.</summary>
    public static DmaWork DirectSanitized() => new("exynos5433-media", DomainType.Dma, true, false, new SanitizerOptions());

    public static DmaWork Deferred() => new("exynos5433-media", DomainType.DmaDeferred, false, false);

    public static DmaWork Direct() => new("exynos5433-media", DomainType.Dma, true, false);

    public static DmaWork Bounced() => new("exynos5433-media", DomainType.Dma, true, true);

    /// <summary>Maps and unmaps 4 KiB.</summary>
    public void Page(int times) => Page(_device, _memory, times);

    /// <summary>The same on a second device; for a second thread.</summary>
    public void OtherPage(int times) => Page(_other, _otherMemory, times);

    /// <summary>The same with <see cref="ExtraTests"/> more tests whether somebody listens: what one of them costs cannot be seen
    /// otherwise.</summary>
    public void PageWithTests(int times)
    {
        for (var i = 0; i < times; i++)
        {
            _device.Dma.Map(_memory, DmaDirection.FromDevice).Dispose();
            for (var test = 0; test < ExtraTests; test += 4)
            {
                if (Volatile.Read(ref _listener) is not null || Volatile.Read(ref _listener) is not null
                    || Volatile.Read(ref _listener) is not null || Volatile.Read(ref _listener) is not null)
                    throw new InvalidOperationException("nobody listens");
            }
        }
    }

    /// <summary>Takes device addresses for <see cref="LinkedPages"/> pages, links each, tells the unit, and ends it all.</summary>
    public void LinkPages(int times)
    {
        for (var i = 0; i < times; i++)
        {
            if (!_links.TryAllocate(_device.Dma, LinkedPages * 4096))
                throw new InvalidOperationException("the device has no device addresses to link to");
            for (var page = 0; page < LinkedPages; page++)
                _links.Link((ulong)page * 4096, _pages[page], DmaDirection.FromDevice);
            _links.Sync();
            _links.Free();
        }
    }

    /// <summary>Copies 64 KiB twice, as a bounced mapping of both directions does.</summary>
    public void PlainCopy(int times)
    {
        for (var i = 0; i < times; i++)
        {
            _large.Span.CopyTo(_plain);
            _plain.CopyTo(_large.Span);
        }
    }

    /// <summary>Maps and unmaps 64 KiB through a bounce buffer.</summary>
    public void BouncedCopy(int times)
    {
        for (var i = 0; i < times; i++)
            _device.Dma.Map(_large, DmaDirection.Bidirectional).Dispose();
    }

    public void Dispose() => _machine.Dispose();

    private static void Page(Device device, MemoryBlock memory, int times)
    {
        for (var i = 0; i < times; i++)
            device.Dma.Map(memory, DmaDirection.FromDevice).Dispose();
    }

    private Device Direct(string name, bool isBounced)
    {
        var device = new Device(name) { Description = new DeviceDescription { Compatible = [name] } };
        _machine.Drivers.Dma.ForceBounce = isBounced;
        _machine.Drivers.Register(new IdleDriver(name));
        _machine.Drivers.Add(device);
        device.Dma.SetMask(64); // it reaches all memory: nothing bounces unless it is forced to
        return device;
    }

    private static void Neighbour(Device device)
    {
        for (var i = 0; i < 4; i++)
            device.Dma.Map(device.Dma.Memory.Allocate(4096), DmaDirection.Bidirectional);
    }

    private sealed class IdleDriver(string name) : IDriver, IBoundDriver
    {
        public string Name => name;

        public IReadOnlyList<string> Compatible { get; } = [name];

        public IBoundDriver Probe(Device device) => this;

        public void Remove()
        {
        }
    }
}
