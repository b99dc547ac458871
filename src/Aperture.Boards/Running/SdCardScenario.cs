using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma.Memory;
using Aperture.Drivers.Sd;
using Aperture.Hardware.Masters;

namespace Aperture.Boards.Running;

/// <summary>An SD card: behind the IOMMUs of every master, without an IOMMU from a contiguous pool, and without one on a bus that does not
/// reach all memory, so that the bytes bounce.</summary>
public sealed class SdCardScenario : IScenario
{
    private const string Compatible = "aperture,sdhci";
    private const int CardBytes = 1 << 20;
    private const int PoolBytes = 1 << 20;
    private const int LowBytes = 8 << 20; // what a device on the narrow bus reaches: bounce buffers must fit in

    /// <inheritdoc/>
    public string Name => "sdcard";

    /// <inheritdoc/>
    public string Description => "an SD card, behind IOMMUs, from a contiguous pool, and through bounce buffers";

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
            var card = SdTraffic.NewCard(CardBytes);
            using var plug = machine.Plug(master, ports => new SdHost(ports[0], card.Card) { Pace = machine.Pace });
            isOk &= Drive(machine, plug, card.Image, lines, null, null);
        }

        isOk &= FromPool(machine, lines);
        isOk &= Bounced(machine, lines);
        if (machine.Iommu.FaultCount != faults)
        {
            isOk = false;
            lines.Add($"an IOMMU reported: {machine.Iommu.Faults[^1]}");
        }

        return new ScenarioResult(Name, isOk, lines);
    }

    private static IEnumerable<BoardMaster> Masters(Machine machine) =>
        machine.Masters.Where(master => master.Device is { Bound: not null });

    /// <summary>An ordinary device: its buffers come from the machine's contiguous area, or from one that is set aside for it.</summary>
    private static bool FromPool(Machine machine, List<string> lines)
    {
        var memory = machine.Drivers.Memory;
        var area = machine.Drivers.Dma.ContiguousArea;
        var region = area is null ? memory.Allocate(PoolBytes) : default;
        try
        {
            var pool = area ?? new DmaPool(memory, region, "sd-card");
            var card = SdTraffic.NewCard(CardBytes);
            using var plug = machine.Plug(
                Compatible, port => new SdHost(port, card.Card) { Pace = machine.Pace }, new DeviceDescription { ContiguousArea = pool });
            return Drive(machine, plug, card.Image, lines, pool, null);
        }
        finally
        {
            if (region.Length > 0)
                memory.Free(region);
        }
    }

    /// <summary>A device on a bus that reaches the low end of memory only, and memory above that.</summary>
    private static bool Bounced(Machine machine, List<string> lines)
    {
        var memory = machine.Drivers.Memory;
        var low = memory.Allocate(LowBytes);
        var limit = low.Address + (LowBytes - 1);
        MemoryBlock far = default;
        try
        {
            far = Above(memory, limit, SdTraffic.ScatteredBytes);
        }
        finally
        {
            memory.Free(low);
        }

        try
        {
            var card = SdTraffic.NewCard(CardBytes);
            using var plug = machine.Plug(
                Compatible,
                port => new SdHost(port, card.Card) { Pace = machine.Pace },
                new DeviceDescription { DmaLimit = new Iova(limit.Value) });
            return Drive(machine, plug, card.Image, lines, null, far);
        }
        finally
        {
            memory.Free(far);
        }
    }

    private static MemoryBlock Above(SystemMemory memory, PhysicalAddress limit, int bytes)
    {
        var below = new List<MemoryBlock>();
        try
        {
            while (true)
            {
                var block = memory.Allocate(bytes);
                if (block.Address > limit)
                    return block;
                below.Add(block);
            }
        }
        finally
        {
            below.ForEach(block => memory.Free(block));
        }
    }

    private static bool Drive(Machine machine, PluggedBlock plug, byte[] image, List<string> lines, SystemMemory? pool, MemoryBlock? far)
    {
        using var binding = new ClientBinding(machine, plug.Device, new SdHostDriver(plug.Device.Description.Compatible, machine.Clock));
        var traffic = new SdTraffic((SdBlockDevice)plug.Device.Bound!, image, pool, far);
        var trouble = traffic.Run();
        lines.Add($"{plug.Device.Name} ({plug.Device.Dma.Path}): {traffic.BlocksRead} blocks read, {traffic.BlocksWritten} "
            + $"written{traffic.Detail}{(trouble is null ? "" : ": " + trouble)}");
        return trouble is null;
    }
}
