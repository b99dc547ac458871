using Aperture.Core;
using Aperture.Core.PageTables.Formats;
using Aperture.Devices;
using Aperture.Drivers.AtsEndpoint;
using Aperture.Iommu;

namespace Aperture.Boards.Running;

/// <summary>Devices that work in the address spaces of processes: pages come when the device touches them, at once or later, and are taken
/// away between its jobs; what either side wrote the other reads.</summary>
public sealed class SvaScenario : IScenario
{
    private const int Processes = 3;
    private const int Pages = 48;
    private const int Rounds = 600;
    private const ulong Start = 0x5555_0000_0000;

    /// <inheritdoc/>
    public string Name => "sva";

    /// <inheritdoc/>
    public string Description => "devices share the address spaces of processes, and their pages come on demand";

    /// <inheritdoc/>
    public bool AppliesTo(Machine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        return Find(machine).Any();
    }

    /// <inheritdoc/>
    public ScenarioResult Run(Machine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        var devices = Find(machine).ToArray();
        if (devices.Length == 0)
            throw new ApertureException(Status.NoDevice, "the board has no device that can work in a process's address space");
        var faults = machine.Iommu.FaultCount;
        var lines = new List<string>();
        var isOk = true;
        foreach (var device in devices)
        {
            var processes = new List<SvaProcess>();
            try
            {
                for (uint i = 1; i <= Processes; i++)
                    processes.Add(new SvaProcess(machine, device, new Pasid(i), new Iova(Start), Pages));
                var work = new SvaWork((AtsEndpointClient)device.Bound!, processes, Pages);
                var trouble = work.Run(Rounds);
                isOk &= trouble is null;
                lines.Add($"{device.Name}: {work.Bytes >> 10} KiB in {processes.Count} processes, "
                    + $"{processes.Sum(process => process.Faults)} pages came on demand, "
                    + $"{processes.Sum(process => process.Taken)} were taken away{(trouble is null ? "" : ": " + trouble)}");
            }
            finally
            {
                foreach (var process in processes)
                    process.Dispose();
            }
        }

        if (machine.Iommu.FaultCount != faults)
        {
            isOk = false;
            lines.Add($"an IOMMU reported: {machine.Iommu.Faults[^1]}");
        }

        return new ScenarioResult(Name, isOk, lines);
    }

    private static IEnumerable<Device> Find(Machine machine) => machine.PciDevices.Where(device =>
        device is { Bound: AtsEndpointClient, Iommu: { PasidBits: > 0, Domain: PagingDomain<ArmLpaeFormat> } master }
        && master.Ports.All(port => port.Unit.Capabilities is { Pasids: > Processes, SharedTables: true, PageRequests: true })
        && device.Description.Identity is { HasAts: true, PageRequests: > 0 });
}
