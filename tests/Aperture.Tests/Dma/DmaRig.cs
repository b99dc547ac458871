using System.Collections.Immutable;
using Aperture.Core;
using Aperture.Devices;
using Aperture.DeviceTrees;
using Aperture.Dma;
using Aperture.Iommu;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Dma;

/// <summary>One device on one path to memory, and its view of it.</summary>
internal sealed class DmaRig : IDisposable
{
    private readonly FakeMemory _tables = new();
    private readonly FakeUnit _unit;
    private readonly bool _isBehind;
    private readonly ulong _offset; // what the bus adds to a physical address

    private DmaRig(string name, bool isBehind, bool cached, DomainType type = DomainType.Dma, DeviceDescription? description = null, Action<DmaPlatform>? platform = null, Func<SystemMemory, BouncePool>? restricted = null)
    {
        Name = name;
        _isBehind = isBehind;
        Memory = new HonestMemory(cached);
        Platform = new DmaPlatform(Memory, Time);
        platform?.Invoke(Platform);
        Core = new IommuCore(_tables) { DefaultDomainType = type };
        _unit = new FakeUnit(new Device("u"));
        Core.Register(_unit);
        description ??= new DeviceDescription();
        if (restricted is not null)
            description = description with { BouncePool = restricted(Memory) };
        _offset = description.DmaRanges is [var range, ..] ? range.Dma - range.Cpu.Value : 0;
        Device = new Device(name) { Description = description };
        if (isBehind)
            Core.Configure(Device, [new IommuSpecifier(_unit.Device.Key, "u", [1])]);
        DmaAttach.Attach(Device, Core, Platform);
    }

    public string Name { get; }

    public HonestMemory Memory { get; }

    public ManualTime Time { get; } = new();

    public DmaPlatform Platform { get; }

    public IommuCore Core { get; }

    public Device Device { get; }

    public DmaContext Dma => Device.Dma;

    public FakeUnit Unit => _unit;

    public FakeDomain Domain => (FakeDomain)Device.Iommu!.Domain!;

    public static IReadOnlyList<string> Paths { get; } =
        ["direct", "direct-noncoherent", "direct-offset", "iommu", "iommu-noncoherent", "iommu-deferred", "bounce", "bounce-noncoherent", "bounce-aligned", "restricted", "untrusted", "untrusted-noncoherent"];

    public static bool IsCached(string path) => path.EndsWith("noncoherent", StringComparison.Ordinal) || path is "direct-armv7" or "direct-mips";

    public static DmaRig Make(string path)
    {
        var untrusted = new DeviceDescription { IsUntrusted = true };
        var rig = path switch
        {
            "direct" => new DmaRig(path, false, false),
            "direct-noncoherent" => new DmaRig(path, false, true),
            "direct-armv7" => new DmaRig(path, false, true, platform: platform => platform.Maintenance = CacheMaintenance.Armv7),
            "direct-mips" => new DmaRig(path, false, true, platform: platform => platform.Maintenance = CacheMaintenance.Mips),
            "direct-offset" => new DmaRig(path, false, false, description: new DeviceDescription { DmaRanges = Window(0x1000_0000) }),
            "iommu" => new DmaRig(path, true, false),
            "iommu-noncoherent" => new DmaRig(path, true, true),
            "iommu-deferred" => new DmaRig(path, true, false, DomainType.DmaDeferred),
            "bounce" or "bounce-aligned" => new DmaRig(path, false, false, platform: platform => platform.ForceBounce = true),
            "bounce-noncoherent" => new DmaRig(path, false, true, platform: platform => platform.ForceBounce = true),
            "restricted" => new DmaRig(path, false, false, restricted: memory => new BouncePool(memory, memory.Allocate(4 << 20))),
            "untrusted" => new DmaRig(path, true, false, description: untrusted),
            "untrusted-noncoherent" => new DmaRig(path, true, true, description: untrusted),
            _ => throw new ArgumentOutOfRangeException(nameof(path), path, null),
        };
        if (path == "bounce-aligned")
            rig.Dma.SetMinAlignMask(4095);
        return rig;
    }

    public static ImmutableArray<DmaRange> Window(ulong dma) => [new DmaRange(new PhysicalAddress(HonestMemory.Base), dma, 64 << 20)];

    /// <summary>The device reads.</summary>
    public void Read(Iova address, Span<byte> into)
    {
        for (var done = 0; done < into.Length;)
        {
            var run = Math.Min(into.Length - done, 4096 - (int)((address.Value + (ulong)done) & 4095));
            Memory.Dram(Resolve(address + (ulong)done, Protection.Read), run).CopyTo(into[done..]);
            done += run;
        }
    }

    /// <summary>The device writes.</summary>
    public void Write(Iova address, ReadOnlySpan<byte> from)
    {
        for (var done = 0; done < from.Length;)
        {
            var run = Math.Min(from.Length - done, 4096 - (int)((address.Value + (ulong)done) & 4095));
            from.Slice(done, run).CopyTo(Memory.Dram(Resolve(address + (ulong)done, Protection.Write), run));
            done += run;
        }
    }

    public void Dispose()
    {
        Memory.Dispose();
        _tables.Dispose();
    }

    private PhysicalAddress Resolve(Iova address, Protection need)
    {
        if (!_isBehind)
            return new PhysicalAddress(address.Value - _offset);
        Assert.True(Domain.TryTranslate(address, out var physical), $"{Name}: the device cannot reach {address}");
        Assert.True((Domain.RightsAt(address) & need) != 0, $"{Name}: the device may not {need} at {address}");
        return physical;
    }
}
