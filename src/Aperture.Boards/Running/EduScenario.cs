using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Drivers.Edu;
using Aperture.Hardware.Masters;

namespace Aperture.Boards.Running;

/// <summary>Educational devices: each says what it is, computes factorials, raises interrupts, and moves bytes between scattered memory
/// and its buffer, by interrupt and by polling.</summary>
public sealed class EduScenario : IScenario
{
    private const int Rounds = 8;
    private const int PageSize = 4096;

    /// <inheritdoc/>
    public string Name => "edu";

    /// <inheritdoc/>
    public string Description => "educational devices compute, interrupt, and copy through their buffer";

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
            throw new ApertureException(Status.NoDevice, "the board has no educational device");
        var faults = machine.Iommu.FaultCount;
        var lines = new List<string>();
        var isOk = true;
        foreach (var device in devices)
        {
            using var binding = new ClientBinding(machine, device, new EduDriver(machine.Clock));
            var edu = (EduClient)device.Bound!;
            var random = new Random(1);
            var trouble = Compute(edu);
            for (var round = 0; round < Rounds && trouble is null; round++)
                trouble = Copy(edu, random, round % 2 == 0 ? EduWait.Interrupt : EduWait.Poll);
            isOk &= trouble is null;
            lines.Add($"{edu.Device.Name}: version {edu.Identification.Major}.{edu.Identification.Minor}, {edu.Interrupts} "
                + $"interrupts{(trouble is null ? "" : ": " + trouble)}");
        }

        if (machine.Iommu.FaultCount != faults)
        {
            isOk = false;
            lines.Add($"an IOMMU reported: {machine.Iommu.Faults[^1]}");
        }

        return new ScenarioResult(Name, isOk, lines);
    }

    /// <summary>Those beside the buses first, then those in slots of PCI.</summary>
    private static IEnumerable<Device> Find(Machine machine) =>
    [
        .. machine.Masters.Where(master => master is { Client: Edu, Device.Bound: not null }).Select(master => master.Device!),
        .. machine.PciDevices.Where(device => device.Bound is EduClient),
    ];

    private static string? Compute(EduClient edu)
    {
        if (!edu.IsAlive(0x1234_5678))
            return "it fails its liveness check";
        edu.RaiseInterrupt(0x40);
        uint expected = 1;
        for (uint number = 1; number <= 12; number++)
        {
            expected *= number;
            var factorial = edu.Factorial(number, number % 2 == 0 ? EduWait.Interrupt : EduWait.Poll);
            if (factorial != expected)
                return $"{number}! is {factorial}, not {expected}";
        }

        return null;
    }

    /// <summary>Two pages that lie apart in memory and follow each other for the device: over their border into the buffer and out
    /// again.</summary>
    private static string? Copy(EduClient edu, Random random, EduWait wait)
    {
        var dma = edu.Device.Dma;
        Span<byte> expected = new byte[EduClient.BufferSize];
        random.NextBytes(expected);
        var offset = random.Next(PageSize);
        var length = random.Next(1, Math.Min(expected.Length, (2 * PageSize) - offset) + 1);
        var at = random.Next(expected.Length - length + 1);
        using var source = new Pages(dma);
        using var target = new Pages(dma);
        source.Write(offset, expected[..length]);
        using (var from = source.Map(DmaDirection.ToDevice))
            edu.Load(from.Segments[0].Address + (ulong)offset, at, length, wait);
        using (var to = target.Map(DmaDirection.FromDevice))
            edu.Store(at, to.Segments[0].Address + (ulong)offset, length, wait);
        return target.Holds(offset, expected[..length]) ? null : $"{length} bytes at offset {offset} came back wrong";
    }

    /// <summary>Two pages of memory with a third between them.</summary>
    private readonly struct Pages : IDisposable
    {
        private readonly DmaContext _dma;
        private readonly MemoryBlock[] _blocks;

        public Pages(DmaContext dma)
        {
            _dma = dma;
            var first = dma.Memory.Allocate(PageSize);
            var between = dma.Memory.Allocate(PageSize);
            _blocks = [first, dma.Memory.Allocate(PageSize)];
            dma.Memory.Free(between);
        }

        /// <summary>One segment for the device, thanks to its IOMMU.</summary>
        public ScatterMapping Map(DmaDirection direction) => _dma.MapScatter(_blocks, new DmaSegment[2], direction);

        public void Write(int offset, ReadOnlySpan<byte> bytes)
        {
            for (var i = 0; i < bytes.Length; i++)
                _blocks[(offset + i) / PageSize].Span[(offset + i) % PageSize] = bytes[i];
        }

        public bool Holds(int offset, ReadOnlySpan<byte> bytes)
        {
            for (var i = 0; i < bytes.Length; i++)
            {
                if (_blocks[(offset + i) / PageSize].Span[(offset + i) % PageSize] != bytes[i])
                    return false;
            }

            return true;
        }

        public void Dispose()
        {
            foreach (var block in _blocks)
                _dma.Memory.Free(block);
        }
    }
}
