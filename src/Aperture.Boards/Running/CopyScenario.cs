using Aperture.Datasheets.DmaMaster;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Drivers.DmaMaster;

namespace Aperture.Boards.Running;

/// <summary>Every master copies scattered memory to scattered memory through its own address space, several rounds with
/// addresses that come and go, and the CPU compares.</summary>
public sealed class CopyScenario : IScenario
{
    private const int Rounds = 16;
    private const int Pieces = 8;

    /// <inheritdoc/>
    public string Name => "copy";

    /// <inheritdoc/>
    public string Description => "every master copies scattered memory through its IOMMUs";

    /// <inheritdoc/>
    public bool AppliesTo(Machine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        return Clients(machine).Any();
    }

    /// <inheritdoc/>
    public ScenarioResult Run(Machine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        var random = new Random(1);
        var lines = new List<string>();
        var isOk = true;
        ulong bytes = 0;
        foreach (var client in Clients(machine))
        {
            for (var round = 0; round < Rounds && isOk; round++)
            {
                var length = random.Next(1, 5) << 12;
                if (Copy(
                    client, length, (ulong)random.NextInt64(), random.Next(client.PortCount), random.Next(client.PortCount)) is { } trouble)
                {
                    lines.Add($"{client.Device.Name}: {trouble}");
                    isOk = false;
                }

                bytes += (ulong)(length * Pieces);
            }
        }

        lines.Add($"{bytes >> 10} KiB copied by {Clients(machine).Count()} masters in {Rounds} rounds each");
        return new ScenarioResult(Name, isOk, lines);
    }

    private static IEnumerable<DmaMasterClient> Clients(Machine machine) =>
        machine.Masters.Select(master => master.Device?.Bound).OfType<DmaMasterClient>();

    private static string? Copy(DmaMasterClient client, int length, ulong seed, int readPort, int writePort)
    {
        var dma = client.Device.Dma;
        var blocks = new MemoryBlock[2 * Pieces];
        var allocated = 0;
        try
        {
            for (; allocated < blocks.Length; allocated++)
                blocks[allocated] = dma.Memory.Allocate(length);

            // Sources and destinations take turns in memory, so that neither is contiguous.
            var sources = blocks.Where((_, i) => i % 2 == 0).ToArray();
            var destinations = blocks.Where((_, i) => i % 2 == 1).ToArray();
            for (var i = 0; i < Pieces; i++)
                DmaMasterPattern.Fill(sources[i].Span, seed, (ulong)(i * length));
            DmaMasterResult result;
            using (var source = dma.MapScatter(sources, new DmaSegment[Pieces], DmaDirection.ToDevice))
            using (var destination = dma.MapScatter(destinations, new DmaSegment[Pieces], DmaDirection.FromDevice))
                result = client.Copy(readPort, source.Segments, writePort, destination.Segments);
            if (!result.IsOk)
                return result.ToString();
            for (var i = 0; i < Pieces; i++)
            {
                if (!destinations[i].Span.SequenceEqual(sources[i].Span))
                    return $"piece {i} of the copy differs from its source";
            }

            return null;
        }
        finally
        {
            while (--allocated >= 0)
                dma.Memory.Free(blocks[allocated]);
        }
    }
}
