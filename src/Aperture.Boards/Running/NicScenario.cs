using Aperture.Drivers.Nic;
using Aperture.Hardware.Masters;

namespace Aperture.Boards.Running;

/// <summary>A network card in the place of every master: it talks to itself, to a neighbour on its wire, and through a system
/// sleep.</summary>
public sealed class NicScenario : IScenario
{
    /// <inheritdoc/>
    public string Name => "nic";

    /// <inheritdoc/>
    public string Description => "a network card behind every master's IOMMUs: rings, partial syncs, page reuse";

    /// <inheritdoc/>
    public bool AppliesTo(Machine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        return Masters(machine).Any();
    }

    /// <inheritdoc/>
    public ScenarioResult Run(Machine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        var faults = machine.Iommu.FaultCount;
        var lines = new List<string>();
        var isOk = true;
        foreach (var master in Masters(machine))
        {
            using var plug = machine.Plug(master, ports => new Nic(ports[0], ports[^1]) { Pace = machine.Pace });
            using var binding = new ClientBinding(machine, plug.Device, new NicDriver(plug.Device.Description.Compatible));
            var traffic = new NicTraffic(machine, (NetworkCard)plug.Device.Bound!, (Nic)plug.Model);
            isOk &= traffic.Run();
            lines.AddRange(traffic.Lines);
        }

        if (machine.Iommu.FaultCount != faults)
        {
            isOk = false;
            lines.Add($"an IOMMU reported: {machine.Iommu.Faults[^1]}");
        }

        return new ScenarioResult(Name, isOk, lines);
    }

    private static IEnumerable<BoardMaster> Masters(Machine machine) =>
        machine.Masters.Where(master => master.Device is { Bound: not null });
}
