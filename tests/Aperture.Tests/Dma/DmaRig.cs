using System.Collections.Immutable;
using Aperture.Core;
using Aperture.Devices;
using Aperture.DeviceTrees;
using Aperture.Dma;
using Aperture.Dma.Bounce;
using Aperture.Dma.Operations;
using Aperture.Dma.Sanitizer;
using Aperture.Iommu;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Dma;

/// <summary>One device on one path to memory, and its view of it.</summary>
internal sealed class DmaRig : IDisposable
{
    private readonly FakeMemory _tables = new();
    private readonly bool _isBehind;

    private DmaRig(string name, int bytes, int? chaos, bool isSanitized, bool isConfidential, BounceOptions bounce)
    {
        Name = name;
        var words = name.Split('-');
        _isBehind = words[0] is "iommu" or "untrusted";
        Memory = new HonestMemory(Has("noncoherent") || Has("snooping"), bytes, Has("chaos") ? chaos : null);
        if (isConfidential)
            Memory.Ram.MakeConfidential();
        Platform = new DmaPlatform(Memory, Time)
        {
            ForceBounce = words[0] == "bounce",
            Bounce = bounce,
            Maintenance = Has("armv7") ? CacheMaintenance.Armv7 : Has("mips") ? CacheMaintenance.Mips : CacheMaintenance.Arm64,
        };
        if (isSanitized)
            Sanitizer = DmaSanitizer.Watch(Platform, Memory.Ram);
        Core = new IommuCore(_tables) { DefaultDomainType = Has("deferred") ? DomainType.DmaDeferred : DomainType.Dma };
        Unit = new FakeUnit(new Device("u")) { ApertureEnd = new Iova(Has("wide") ? (1UL << 48) - 1 : uint.MaxValue) };
        Core.Register(Unit);
        Unit.Device.Power.Get();
        Device = new Device(name)
        {
            Description = new DeviceDescription
            {
                IsCoherent = Has("snooping"),
                IsUntrusted = words[0] == "untrusted",
                BouncePool = words[0] == "restricted" ? new BouncePool(Memory, Memory.Allocate(4 << 20)) : null,
                DmaRanges = Has("offset") ? Window(0x1000_0000) : [],
            },
        };
        if (_isBehind)
            Core.Configure(Device, [new IommuSpecifier(Unit.Device.Key, "u", [1])]);
        DmaAttach.Attach(Device, Core, Platform);
        if (Has("aligned"))
            Dma.SetMinAlignMask(4095);

        bool Has(string word) => Array.IndexOf(words, word) > 0;
    }

    /// <summary>A rig of each kind.</summary>
    public static IReadOnlyList<string> Paths { get; } =
        ["direct", "direct-noncoherent", "direct-offset", "direct-snooping", "iommu", "iommu-noncoherent", "iommu-deferred", "bounce",
            "bounce-noncoherent", "bounce-aligned", "restricted", "untrusted", "untrusted-noncoherent"];

    public string Name { get; }

    public HonestMemory Memory { get; }

    public ManualTime Time { get; } = new();

    public DmaPlatform Platform { get; }

    /// <summary>Hears of all that the driver and the device do; null where it was not asked for.</summary>
    public DmaSanitizer? Sanitizer { get; }

    public IommuCore Core { get; }

    public FakeUnit Unit { get; }

    public Device Device { get; }

    public DmaContext Dma => Device.Dma;

    public FakeDomain Domain => (FakeDomain)Device.Iommu!.Domain!;

    /// <summary>A rig by the words of its name. First the path: <c>direct</c>, <c>iommu</c>, <c>bounce</c> (forced), <c>restricted</c> (a
    /// pool of its own) or
    /// <c>untrusted</c> (behind an IOMMU). Then, in any order: <c>noncoherent</c> or <c>snooping</c>, with caches in front of memory;
    /// <c>chaos</c> in these; <c>armv7</c> or <c>mips</c>, what is done to them; <c>deferred</c> flush; <c>offset</c>, what the bus adds;
    /// <c>aligned</c>, a device that keeps address bits; <c>wide</c>, device addresses of 48 bits instead of 32.</summary>
    public static DmaRig Make(string name, int bytes = 64 << 20, int? chaos = null, bool isSanitized = false,
        bool isConfidential = false, BounceOptions? bounce = null) =>
        new(name, bytes, chaos, isSanitized, isConfidential, bounce ?? new BounceOptions());

    public static ImmutableArray<DmaRange> Window(ulong dma) => [new DmaRange(new PhysicalAddress(HonestMemory.Base), dma, 64 << 20)];

    /// <summary>The device reads.</summary>
    public void Read(Iova address, Span<byte> into)
    {
        for (var done = 0; done < into.Length;)
        {
            var at = address + (ulong)done;
            var run = Math.Min(into.Length - done, 4096 - (int)(at.Value & 4095));
            var physical = Resolve(at, Protection.Read);
            Assert.False(Memory.IsPrivate(physical, (ulong)run), $"{Name}: {physical} is private");
            Sanitizer?.OnRead(Device, at, physical, run, AccessOutcome.Done, Dma.IsCoherent);
            if (Dma.Snoops && Memory.Ram.Cache is { } cache)
                cache.ReadCoherent(physical, into.Slice(done, run));
            else
                Memory.Dram(physical, run).CopyTo(into[done..]);
            done += run;
        }
    }

    /// <summary>The device writes.</summary>
    public void Write(Iova address, ReadOnlySpan<byte> from)
    {
        for (var done = 0; done < from.Length;)
        {
            var at = address + (ulong)done;
            var run = Math.Min(from.Length - done, 4096 - (int)(at.Value & 4095));
            var physical = Resolve(at, Protection.Write);
            Assert.False(Memory.IsPrivate(physical, (ulong)run), $"{Name}: {physical} is private");
            Sanitizer?.OnWrite(Device, at, physical, from.Slice(done, run), AccessOutcome.Done, Dma.IsCoherent);
            if (Dma.Snoops && Memory.Ram.Cache is { } cache)
                cache.WriteCoherent(physical, from.Slice(done, run));
            else
                from.Slice(done, run).CopyTo(Memory.Dram(physical, run));
            done += run;
        }
    }

    public void Dispose()
    {
        Sanitizer?.Dispose();
        Memory.Dispose();
        _tables.Dispose();
    }

    private PhysicalAddress Resolve(Iova address, Protection need)
    {
        if (!_isBehind)
            return Dma.TryToPhysical(address, 1, out var direct) ? direct
                : throw new InvalidOperationException($"{Name}: the bus leads {address} nowhere");
        Assert.True(Domain.TryTranslate(address, out var physical), $"{Name}: the device cannot reach {address}");
        Assert.True((Domain.RightsAt(address) & need) != 0, $"{Name}: the device may not {need} at {address}");
        return physical;
    }
}
