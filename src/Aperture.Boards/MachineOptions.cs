using Aperture.Boards.Masters;
using Aperture.Boards.Pci;
using Aperture.Boards.Units;
using Aperture.Core.Memory;
using Aperture.Diagnostics;
using Aperture.Dma;
using Aperture.Dma.Sanitizer;
using Aperture.Iommu;
using Microsoft.Extensions.Logging;

namespace Aperture.Boards;

/// <summary>What a device tree leaves open about a machine, and who listens.</summary>
public sealed record MachineOptions
{
    /// <summary>RAM for a tree whose memory the boot loader fills in: free bytes beside the tree's reserved regions, and more where those
    /// need it. It lies where the tree shows that there is RAM: at a memory node without a size, around fixed regions, where others may be
    /// placed; else from 2 GiB on, where no register lies. Default 512 MiB.</summary>
    public ulong FallbackMemory { get; init; } = 512 << 20;

    /// <summary>RAM instead of what the tree says; null keeps the tree's.</summary>
    public IReadOnlyList<MemoryRange>? Memory { get; init; }

    /// <summary>The caches between the CPU and the RAM, which masters without <c>dma-coherent</c> and the IOMMUs do not snoop; null, the
    /// default, for none: all see the same bytes at any time.</summary>
    public CpuCacheOptions? CpuCaches { get; init; }

    /// <summary>Whether the machine is confidential: its RAM is private, devices reach only what software shares, and the DMA API copies
    /// everything else through shared memory. IOMMUs' tables are not kept from them.</summary>
    public bool IsConfidential { get; init; }

    /// <summary>Kinds of IOMMU beside <see cref="UnitList.Default"/>: your own, or one of ours with other options. Where one of them has a
    /// <c>compatible</c> string of ours it is theirs.</summary>
    public IReadOnlyList<UnitKind> Units { get; init; } = [];

    /// <summary>Kinds of devices with DMA beside <see cref="MasterList.Default"/>: models of your own, and their drivers. Where one of
    /// them has a <c>compatible</c> string of ours it is theirs.</summary>
    public IReadOnlyList<MasterKind> Masters { get; init; } = [];

    /// <summary>Fills the slots of each PCI host (<c>pci-host-ecam-generic</c>) before the machine boots; null, the default, leaves them
    /// empty.</summary>
    public Action<PciSite>? Pci { get; init; }

    /// <summary>Kinds of PCI functions that trees have below their hosts, beside ours, and asked before them.</summary>
    public IReadOnlyList<PciKind> PciKinds { get; init; } = [];

    /// <summary>What masters' groups get as their address space: <see cref="DomainType.Dma"/>, the default, or another one that
    /// <see cref="IommuCore.DefaultDomainType"/> can be.</summary>
    public DomainType DefaultDomain { get; init; } = DomainType.Dma;

    /// <summary>Sets up what the DMA API of all devices has in common, before the first is bound: forced bouncing, the size of the bounce
    /// pool, cache maintenance, further memory. Null leaves it as the tree has it.</summary>
    public Action<DmaPlatform>? Dma { get; init; }

    /// <summary>Bytes that a master moves before the CPU and other masters go on: a multiple of 32, at least 32. Null, the default: a
    /// command runs to its end within the register write that starts it.</summary>
    public int? MasterSlice { get; init; }

    /// <summary>The machine's time from one slice of a master to the next, with <see cref="MasterSlice"/>; more than zero.</summary>
    public TimeSpan MasterPause { get; init; } = TimeSpan.FromMicroseconds(1);

    /// <summary>Adds the devices in a random order with this seed; null keeps the tree's order. The outcome is the same.</summary>
    public int? ShuffleSeed { get; init; }

    /// <summary>Hears of the IOMMU and DMA events, made with the machine's clock; null for nobody.</summary>
    public Func<TimeProvider, DmaTrace>? Trace { get; init; }

    /// <summary>Watches drivers and masters for wrong DMA: what it looks at; null, the default, for nothing. See
    /// <see cref="Machine.Sanitizer"/>.</summary>
    public SanitizerOptions? Sanitizer { get; init; }

    /// <summary>Hears of the driver core's messages; null for nobody.</summary>
    public ILogger? Logger { get; init; }
}
