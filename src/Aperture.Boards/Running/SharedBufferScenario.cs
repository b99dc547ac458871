using Aperture.Core;
using Aperture.Datasheets.DmaMaster;
using Aperture.Dma;
using Aperture.Dma.Shared;
using Aperture.Drivers.DmaMaster;
using Aperture.Hardware.Masters;

namespace Aperture.Boards.Running;

/// <summary>One buffer that a master of every address space, and one without an IOMMU, find at the same device address. Each produces in
/// turn what the others consume, as the fences let them; the CPU looks at it and writes as well.</summary>
public sealed class SharedBufferScenario : IScenario
{
    private const string Compatible = "aperture,dma-master";
    private const int Bytes = 64 << 10;

    /// <inheritdoc/>
    public string Name => "shared-buffer";

    /// <inheritdoc/>
    public string Description => "one buffer that several masters produce and consume, at one device address, with fences";

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
        var faults = machine.Iommu.FaultCount;
        using var plug = machine.Plug(Compatible, port => new DmaMaster(port) { Pace = machine.Pace });
        if (plug.Device.Bound is null && !machine.Drivers.Bind(plug.Device, new DmaMasterDriver([Compatible], time: machine.Clock)))
            throw new ApertureException(Status.NoDevice, $"{Compatible} could not be bound: {machine.Drivers.WhyUnbound(plug.Device)}");
        // The one without an IOMMU first: where it finds the buffer, the others have to find it too.
        DmaMasterClient[] clients = [(DmaMasterClient)plug.Device.Bound!, .. Clients(machine)];
        using var buffer = SharedBuffer.Allocate(machine.Drivers.Memory, Bytes);
        var address = buffer.AttachAll([.. clients.Select(client => client.Device)]);
        var trouble = Turns(buffer, address, clients, out var turns);
        if (trouble is null && machine.Iommu.FaultCount != faults)
            trouble = $"an IOMMU reported: {machine.Iommu.Faults[^1]}";
        var line = $"{Bytes >> 10} KiB at device address {address} for "
            + $"{string.Join(", ", clients.Select(client => $"{client.Device.Name} ({client.Device.Dma.Path})"))}: {turns} turns";
        foreach (var client in clients)
            buffer.Detach(client.Device);
        machine.Drivers.Unbind(plug.Device);
        return new ScenarioResult(Name, trouble is null, trouble is null ? [line] : [line, trouble]);
    }

    /// <summary>A master of each address space: those of one group share theirs.</summary>
    private static IEnumerable<DmaMasterClient> Clients(Machine machine) => machine.Masters
        .Where(master => master.Device?.Bound is DmaMasterClient)
        .DistinctBy(master => master.Device!.Iommu?.Group)
        .Select(master => (DmaMasterClient)master.Device!.Bound!);

    private static string? Turns(SharedBuffer buffer, Iova address, DmaMasterClient[] clients, out int turns)
    {
        var (ended, trouble) = (0, (string?)null);
        for (var i = 0; i < clients.Length && trouble is null; i++)
        {
            var (producer, seed) = (clients[i], (ulong)(i + 1));
            var producing = buffer.TryBegin(producer.Device, DmaDirection.FromDevice);
            if (producing is null)
            {
                trouble = $"{producer.Device.Name} must wait though nobody uses the buffer";
                break;
            }

            // The consumers ask while the producer is at work: all of them run when its fence is signalled.
            foreach (var consumer in clients)
            {
                if (buffer.TryBegin(consumer.Device, DmaDirection.ToDevice) is { } tooEarly)
                {
                    tooEarly.Dispose();
                    trouble ??= $"{consumer.Device.Name} may read while {producer.Device.Name} writes";
                }

                buffer.BeginAfterFences(consumer.Device, DmaDirection.ToDevice, use => Consume(consumer, use, seed));
            }

            if (Filled(producer, address, seed) is { } failure)
                trouble ??= failure;
            var before = ended;
            End(producing);
            if (ended != before + 1 + clients.Length)
                trouble ??= $"{ended - before - 1} of {clients.Length} consumers ran when {producer.Device.Name} was done";
            trouble ??= CpuTurn(buffer, address, clients, seed, ref ended);
        }

        turns = ended;
        return trouble;

        void Consume(DmaMasterClient consumer, SharedUse use, ulong seed)
        {
            var result = consumer.Verify(0, address, Bytes, seed);
            if (!result.IsOk)
                trouble ??= $"{consumer.Device.Name} does not read what was produced: {result}";
            End(use);
        }

        void End(SharedUse use)
        {
            ended++;
            use.Dispose();
        }
    }

    private static string? Filled(DmaMasterClient producer, Iova address, ulong seed)
    {
        var result = producer.Fill(0, address, Bytes, seed);
        return result.IsOk ? null : $"{producer.Device.Name} could not produce: {result}";
    }

    /// <summary>The CPU compares, and then produces for two consumers that read side by side.</summary>
    private static string? CpuTurn(SharedBuffer buffer, Iova address, DmaMasterClient[] clients, ulong seed, ref int turns)
    {
        var expected = new byte[Bytes];
        using (var writing = buffer.TryBegin(null, DmaDirection.Bidirectional))
        {
            if (writing is null)
                return "the CPU must wait though nobody uses the buffer";
            DmaMasterPattern.Fill(expected, seed, 0);
            if (!buffer.Block.Span.SequenceEqual(expected))
                return "the CPU does not see what was produced";
            DmaMasterPattern.Fill(buffer.Block.Span, seed + 1000, 0);
        }

        using var first = buffer.TryBegin(clients[0].Device, DmaDirection.ToDevice);
        using var last = buffer.TryBegin(clients[^1].Device, DmaDirection.ToDevice);
        if (first is null || last is null)
            return "readers do not share the buffer";
        turns += 3;
        foreach (var client in (ReadOnlySpan<DmaMasterClient>)[clients[0], clients[^1]])
        {
            var result = client.Verify(0, address, Bytes, seed + 1000);
            if (!result.IsOk)
                return $"{client.Device.Name} does not read what the CPU wrote: {result}";
        }

        return null;
    }
}
