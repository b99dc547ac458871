using Aperture.Core;
using Aperture.Devices;
using Aperture.Drivers.Nvme;
using Aperture.Iommu;

namespace Aperture.Boards.Running;

/// <summary>NVMe controllers in PCI slots: blocks are written and read, in order and at random, and everything read is compared; behind an
/// IOMMU once with strict and once with deferred invalidation.</summary>
public sealed class NvmeScenario : IWorkload
{
    private const long LeastBytes = 1 << 20;

    /// <inheritdoc/>
    public string Name => "nvme";

    /// <inheritdoc/>
    public string Description => "NVMe controllers read, write and verify blocks, strict and deferred; times by wall clock";

    /// <inheritdoc/>
    public bool AppliesTo(Machine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        return Find(machine).Any();
    }

    /// <inheritdoc/>
    public ScenarioResult Run(Machine machine) => Run(machine, new WorkloadOptions());

    /// <inheritdoc/>
    public ScenarioResult Run(Machine machine, WorkloadOptions options)
    {
        ArgumentNullException.ThrowIfNull(machine);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Bytes < LeastBytes)
            throw new ApertureException(Status.InvalidArgument, $"{options.Bytes} bytes are too few for a workload: at least {LeastBytes}");
        var runs = Find(machine).SelectMany(device => DomainsOf(device), (device, domain) => (Device: device, Domain: domain)).ToArray();
        if (runs.Length == 0)
            throw new ApertureException(Status.NoDevice, "the board has no NVMe controller in a PCI slot");
        var faults = machine.Iommu.FaultCount;
        var (lines, times) = (new List<string>(), new List<PhaseTimes>());
        var isOk = true;
        foreach (var (device, domain) in runs)
        {
            using var binding = Bind(machine, device, domain);
            foreach (var disk in ((NvmeClient)device.Bound!).Namespaces)
            {
                var traffic = new NvmeTraffic(machine, disk, options.Bytes / runs.Length, options.Seed);
                isOk &= traffic.Run();
                lines.Add(traffic.Line);
                times.AddRange(traffic.Times);
            }
        }

        if (machine.Iommu.FaultCount != faults)
        {
            isOk = false;
            lines.Add($"an IOMMU reported: {machine.Iommu.Faults[^1]}");
        }

        return new ScenarioResult(Name, isOk, lines) { Times = times };
    }

    private static IEnumerable<Device> Find(Machine machine) => machine.PciDevices.Where(device => device.Bound is NvmeClient);

    private static IEnumerable<DomainType> DomainsOf(Device device) =>
        device.Iommu is null ? [DomainType.Identity] : [DomainType.Dma, DomainType.DmaDeferred];

    /// <summary>The driver anew, with an address space of a type; whoever had the device gets it back with one of the machine's. It has one
    /// queue pair: with several the processor on which this happens to run would choose, and equal runs would not say the same.</summary>
    private static ClientBinding Bind(Machine machine, Device device, DomainType domain)
    {
        var usual = machine.Iommu.DefaultDomainType;
        machine.Iommu.DefaultDomainType = domain;
        try
        {
            return new ClientBinding(machine, device, new NvmeDriver(machine.Clock, new NvmeDriverOptions { Queues = 1 }));
        }
        finally
        {
            machine.Iommu.DefaultDomainType = usual;
        }
    }
}
