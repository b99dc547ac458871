using Aperture.Core;
using Aperture.Datasheets.DmaMaster;
using Aperture.Dma;
using Aperture.Drivers.DmaMaster;

namespace Aperture.Boards.Running;

/// <summary>Lets every master of a machine do DMA through the DMA API, on each of its ports, and proves that it reaches what it
/// was given and nothing else.</summary>
public sealed class SelfTest
{
    /// <summary>Bytes of a test buffer: several pages, and not a whole number of them.</summary>
    private const int BufferBytes = (16 << 12) + 0x234;

    private readonly Machine _machine;

    /// <summary>A self-test of a machine.</summary>
    public SelfTest(Machine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        _machine = machine;
    }

    /// <summary>Tests one master.</summary>
    public MasterResult Run(BoardMaster master)
    {
        ArgumentNullException.ThrowIfNull(master);
        if (master.Skipped is { } reason)
            return MasterResult.All(master, new CheckResult(CheckOutcome.Skipped, reason));
        if (master.Device?.Bound is not DmaMasterClient client)
            return MasterResult.All(master, new CheckResult(CheckOutcome.Failed, WhyUnbound(master)));
        return new MasterResult(master)
        {
            Write = OnEachPort(client, CheckOutcome.Ok, Write),
            Read = OnEachPort(client, CheckOutcome.Ok, Read),
            AfterUnmap = OnEachPort(client, CheckOutcome.Blocked, AfterUnmap),
            Outside = OnEachPort(client, CheckOutcome.Blocked, Outside),
            Foreign = Foreign(master, client),
        };
    }

    private string WhyUnbound(BoardMaster master)
    {
        var waiting = _machine.Drivers.Deferred.FirstOrDefault(deferred => deferred.Device == master.Device);
        return waiting is null ? "no driver is bound" : waiting.Reason;
    }

    private static CheckResult OnEachPort(DmaMasterClient client, CheckOutcome good, Func<DmaMasterClient, int, string?> check)
    {
        for (var port = 0; port < client.PortCount; port++)
        {
            if (Try(() => check(client, port)) is { } trouble)
                return new CheckResult(CheckOutcome.Failed, client.PortCount == 1 ? trouble : $"port {port}: {trouble}");
        }

        return new CheckResult(good);
    }

    private static string? Try(Func<string?> check)
    {
        try
        {
            return check();
        }
        catch (ApertureException e)
        {
            return e.Message;
        }
    }

    private static string? Write(DmaMasterClient client, int port)
    {
        var seed = Seed(client, port);
        using var buffer = client.Device.Dma.Allocate(BufferBytes);
        var result = client.Fill(port, buffer.Address, (ulong)buffer.Length, seed);
        return !result.IsOk ? result.ToString() : IsPattern(buffer.Span, seed) ? null : "memory does not hold what the master wrote";
    }

    private static string? Read(DmaMasterClient client, int port)
    {
        // Scattered memory, so that the mapping joins what lies apart.
        var seed = Seed(client, port);
        var memory = client.Device.Dma.Memory;
        var pieces = new MemoryBlock[4];
        var spare = new MemoryBlock[4];
        var count = 0;
        try
        {
            for (; count < pieces.Length; count++)
            {
                pieces[count] = memory.Allocate(1 << 14);
                spare[count] = memory.Allocate(1 << 12);
                DmaMasterPattern.Fill(pieces[count].Span, seed, (ulong)count << 14);
            }

            Span<DmaSegment> segments = stackalloc DmaSegment[pieces.Length];
            using var mapping = client.Device.Dma.MapScatter(pieces, segments, DmaDirection.ToDevice);
            var result = client.Verify(port, mapping.Segments, seed);
            return result.IsOk ? null : result.ToString();
        }
        finally
        {
            while (--count >= 0)
            {
                memory.Free(pieces[count]);
                memory.Free(spare[count]);
            }
        }
    }

    private string? AfterUnmap(DmaMasterClient client, int port)
    {
        var memory = client.Device.Dma.Memory;
        var block = memory.Allocate(BufferBytes);
        try
        {
            var mapping = client.Device.Dma.Map(block, DmaDirection.Bidirectional);
            var seed = Seed(client, port);
            var before = client.Fill(port, mapping.Address, (ulong)block.Length, seed); // the translation cache holds the pages now
            mapping.Dispose();
            if (!before.IsOk)
                return before.ToString();
            return Refused(client, port, mapping.Address + 0x1000) ?? (IsPattern(block.Span, seed) ? null : "the write after the unmap reached memory");
        }
        finally
        {
            memory.Free(block);
        }
    }

    private string? Outside(DmaMasterClient client, int port)
    {
        var domain = client.Device.Iommu!.Domain!;
        using var buffer = client.Device.Dma.Allocate(BufferBytes);
        var page = buffer.Address.AlignDown(0x1000) - 0x1000;
        for (var tries = 0; domain.TryTranslate(page, out _); tries++)
        {
            if (tries == 1 << 20)
                return "the address space has no hole";
            page = new Iova(page.Value - 0x1000 & uint.MaxValue);
        }

        // The last byte before the hole works, the hole does not.
        var inside = client.Read(port, buffer.Address, (ulong)buffer.Length);
        return inside.IsOk ? Refused(client, port, page) : inside.ToString();
    }

    private CheckResult Foreign(BoardMaster master, DmaMasterClient client)
    {
        var other = _machine.Masters.FirstOrDefault(candidate => candidate.Device is { Bound: DmaMasterClient, Iommu: { } behind } && behind.Group != master.Device!.Iommu!.Group)?.Device;
        if (other is null)
            return AloneForeign(client);
        using var theirs = other.Dma.Allocate(BufferBytes);
        return Foreign(client, theirs.Memory, theirs.Address);
    }

    /// <summary>On a machine with one master, memory that nobody gave to it stands in for another master's buffer.</summary>
    private CheckResult AloneForeign(DmaMasterClient client)
    {
        var memory = client.Device.Dma.Memory;
        var block = memory.Allocate(BufferBytes);
        try
        {
            return Foreign(client, block, new Iova(block.Address.Value));
        }
        finally
        {
            memory.Free(block);
        }
    }

    private CheckResult Foreign(DmaMasterClient client, MemoryBlock memory, Iova address)
    {
        var seed = Seed(client, 77);
        DmaMasterPattern.Fill(memory.Span, seed, 0);
        var domain = client.Device.Iommu!.Domain!;
        return OnEachPort(client, CheckOutcome.Blocked, Attempt);

        string? Attempt(DmaMasterClient self, int port)
        {
            // By the other master's device address, and by the physical address itself, where these are not our own.
            foreach (var candidate in (ReadOnlySpan<Iova>)[address, new Iova(memory.Address.Value)])
            {
                if (candidate.Value <= uint.MaxValue && !domain.TryTranslate(candidate, out _) && Refused(self, port, candidate) is { } trouble)
                    return trouble;
            }

            return IsPattern(memory.Span, seed) ? null : "a write reached the other master's buffer";
        }
    }

    /// <summary>Reads and writes where nothing is mapped, and tells what was not as it must be.</summary>
    private string? Refused(DmaMasterClient client, int port, Iova address)
    {
        foreach (var write in (ReadOnlySpan<bool>)[false, true])
        {
            var faults = _machine.Iommu.FaultCount;
            var result = write ? client.Fill(port, address, 64, 1) : client.Read(port, address, 64);
            if (!result.IsBlocked)
                return $"the {(write ? "write to" : "read of")} {address} was not blocked: {result}";
            if (_machine.Iommu.FaultCount == faults)
                return $"the fault at {address} was not reported";
            var report = _machine.Iommu.Faults[^1];
            if (report.Device != client.Device || report.Address.AlignDown(0x1000) != address.AlignDown(0x1000) || report.Unit != client.Device.Iommu!.Ports[port].Unit)
                return $"the fault at {address} was reported as: {report}";
        }

        return null;
    }

    private static bool IsPattern(ReadOnlySpan<byte> bytes, ulong seed)
    {
        var expected = new byte[bytes.Length];
        DmaMasterPattern.Fill(expected, seed, 0);
        return bytes.SequenceEqual(expected);
    }

    private static ulong Seed(DmaMasterClient client, int port)
    {
        ulong seed = 0xCBF2_9CE4_8422_2325;
        foreach (var letter in client.Device.Name)
            seed = (seed ^ letter) * 0x100_0000_01B3;
        return seed + (ulong)port;
    }
}
