using Aperture.Boards;
using Aperture.DeviceTrees;
using Aperture.Dma.Memory;
using Aperture.Drivers.Nvme;
using Aperture.Iommu;

namespace Aperture.Benchmarks.Drivers;

/// <summary>An NVMe controller in a PCI slot behind an SMMUv3, with its driver: a queue pair, and a message for each completion.</summary>
internal sealed class NvmeWork : IDisposable
{
    private const int Bytes = 4096;
    private const ulong Places = 256; // of so many bytes: as much as chase4's ring has, so that blocks are where its words are

    private readonly Machine _machine;
    private readonly NvmeNamespaceDevice _disk;
    private readonly MemoryBlock _memory;
    private ulong _random = 1;

    private NvmeWork(DomainType type)
    {
        using var resource = typeof(NvmeWork).Assembly.GetManifestResourceStream("boards/virt-arm64.dtb")!;
        var tree = new byte[resource.Length];
        resource.ReadExactly(tree);
        _machine = Machine.Boot(DeviceTree.Parse(tree), new MachineOptions { DefaultDomain = type });
        _disk = ((NvmeClient)_machine.PciHosts[0].Bridge!.Devices[0].Device.Bound!).Namespaces[0];
        _memory = _machine.Drivers.Memory.Allocate(Bytes);
        for (ulong place = 0; place < Places; place++)
            _disk.Write(place * Bytes / (ulong)_disk.BlockBytes, _memory); // host memory for all of it
    }

    public static NvmeWork Strict() => new(DomainType.Dma);

    public static NvmeWork Deferred() => new(DomainType.DmaDeferred);

    /// <summary>Reads 4 KiB at random places: mapped, named by PRPs, done, told by a message, unmapped.</summary>
    public void Read4K(int times)
    {
        for (var i = 0; i < times; i++)
        {
            _random = (_random * 6364136223846793005) + 1442695040888963407;
            _disk.Read((_random >> 33) % Places * (ulong)(Bytes / _disk.BlockBytes), _memory);
        }
    }

    public void Dispose() => _machine.Dispose();
}
