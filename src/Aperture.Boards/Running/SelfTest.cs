using Aperture.Boards.Pci;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.DmaMaster;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Drivers.DmaMaster;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;

namespace Aperture.Boards.Running;

/// <summary>Lets every master of a machine do DMA through the DMA API, on each of its ports, and proves that it reaches what it
/// was given and nothing else.</summary>
public sealed class SelfTest
{
    /// <summary>Bytes of a test buffer: several pages, and not a whole number of them.</summary>
    private const int BufferBytes = (16 << 12) + 0x234;

    /// <summary>Buffers of another master until one lies at an address that is not this one's, too.</summary>
    private const int MaxBuffers = 8;

    private readonly Machine _machine;
    private BoardMaster? _probe; // what is plugged in on a bus while the bus is tested
    private IReadOnlyDictionary<Device, string>? _unbound; // why devices have no driver; null until somebody asked

    /// <summary>A self-test of a machine.</summary>
    public SelfTest(Machine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        _machine = machine;
    }

    /// <summary>Tests one master, with the generic one behind it. A driver of its own gives the device away for the length of the
    /// test.</summary>
    public MasterResult Run(BoardMaster master)
    {
        ArgumentNullException.ThrowIfNull(master);
        if (master.Skipped is { } reason)
            return Probe(master) ?? MasterResult.All(master, new CheckResult(CheckOutcome.Skipped, reason));
        if (master.Device is not { Bound: { } bound } device)
            return MasterResult.All(master, new CheckResult(CheckOutcome.Failed, WhyUnbound(master)));
        if (bound is DmaMasterClient client)
            return Run(master, client);
        try
        {
            using var borrowed = new ClientBinding(
                _machine, device, new DmaMasterDriver(device.Description.Compatible, time: _machine.Clock));
            return Run(master, (DmaMasterClient)device.Bound);
        }
        catch (ApertureException e)
        {
            return MasterResult.All(master, new CheckResult(CheckOutcome.Failed, e.Message, e.Status));
        }
    }

    /// <summary>Tests the bus of a PCI host by a generic master that is plugged in there for the length of the test.</summary>
    /// <param name="host">The host.</param>
    /// <returns>Null where no id of the bus leads to a unit that is modelled.</returns>
    public MasterResult? Run(BoardPciHost host)
    {
        ArgumentNullException.ThrowIfNull(host);
        return Probe(new BoardMaster(host.Node, [], []));
    }

    /// <summary>Tests a bus whose devices are described by their numbers only: by a generic master that is plugged in there for the length
    /// of the test, with the first number that leads to a unit, or the eighth behind it, which on PCI is that of the first device that is
    /// not the host itself.</summary>
    /// <returns>Null where none can be, as behind a unit that takes no numbers: it is made for one master, with whose clocks it
    /// works.</returns>
    private MasterResult? Probe(BoardMaster bus)
    {
        if (!bus.Node.IsPresent || bus.Node.Has("iommus") || bus.Node.TryGetIommuMap(out var entries) != Status.Ok)
            return null;
        var entry = entries.FirstOrDefault(entry => entry.Count > 0 && entry.Unit?.U32("#iommu-cells") > 0
            && _machine.Units.Any(unit => unit.Node == entry.Unit));
        if (entry.Unit is null || bus.Node.Compatible.IsEmpty)
            return null;
        var id = entry.FirstId + Math.Min(8, entry.Count - 1);
        try
        {
            IReadOnlyList<DmaPort> ports = [];
            using var plugged = _machine.Plug(
                bus, id, $"{bus.Name}:{id:x4}", given => new DmaMaster([.. ports = given]) { Pace = _machine.Pace });
            using var borrowed = new ClientBinding(
                _machine, plugged.Device, new DmaMasterDriver(plugged.Device.Description.Compatible, time: _machine.Clock));
            _probe = bus with
            {
                Units = [entry.Unit.DeviceName],
                Ids = [id],
                Skipped = null,
                Device = plugged.Device,
                Model = (DmaMaster)plugged.Model,
                Ports = ports,
            };
            return Run(_probe, (DmaMasterClient)plugged.Device.Bound!);
        }
        catch (ApertureException e)
        {
            return MasterResult.All(bus with { Skipped = null }, new CheckResult(CheckOutcome.Failed, e.Message, e.Status));
        }
        finally
        {
            _probe = null;
        }
    }

    private MasterResult Run(BoardMaster master, DmaMasterClient client)
    {
        return new MasterResult(master)
        {
            SharedWith = [.. client.Device.Iommu!.Group.Masters.Where(other => other.Device != client.Device)
                .Select(other => other.Device.Name)],
            Write = OnEachPort(client, CheckOutcome.Ok, Write),
            Read = OnEachPort(client, CheckOutcome.Ok, Read),
            AfterUnmap = OnEachPort(client, CheckOutcome.Blocked, AfterUnmap),
            Outside = OnEachPort(client, CheckOutcome.Blocked, Outside),
            Foreign = OnEachPort(client, CheckOutcome.Blocked, Foreign),
        };
    }

    private string WhyUnbound(BoardMaster master)
    {
        _unbound ??= UnboundDevices.Find(_machine);
        return _unbound.GetValueOrDefault(master.Device!, $"{master.Name}: no driver is bound");
    }

    private static CheckResult OnEachPort(DmaMasterClient client, CheckOutcome good, Func<DmaMasterClient, int, string?> check)
    {
        for (var port = 0; port < client.PortCount; port++)
        {
            var status = Status.Ok;
            string? trouble;
            try
            {
                trouble = check(client, port);
            }
            catch (ApertureException e)
            {
                (trouble, status) = (e.Message, e.Status);
            }

            if (trouble is not null)
                return new CheckResult(CheckOutcome.Failed, client.PortCount == 1 ? trouble : $"port {port}: {trouble}", status);
        }

        return new CheckResult(good);
    }

    private static string? Write(DmaMasterClient client, int port)
    {
        var seed = Seed(client, port);
        using var hold = client.Device.Power.Hold(); // or the unit would lose its translations with its power between two commands
        using var buffer = client.Device.Dma.Allocate(BufferBytes);
        var result = client.Fill(port, buffer.Address, (ulong)buffer.Length, seed);
        if (!result.IsOk)
            return result.ToString();
        if (!IsPattern(buffer.Span, seed))
            return "memory does not hold what the master wrote";

        // Read back through translations that the unit holds by now.
        var again = client.Verify(port, buffer.Address, (ulong)buffer.Length, seed);
        return again.IsOk ? null : $"reading back what was written: {again}";
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
                spare[count] = memory.Allocate(1 << 12);
                pieces[count] = AllocateWith(memory, 1 << 14, spare[count]);
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

    /// <summary>Allocates; <paramref name="other"/> is given back if that fails.</summary>
    private static MemoryBlock AllocateWith(SystemMemory memory, int bytes, MemoryBlock other)
    {
        try
        {
            return memory.Allocate(bytes);
        }
        catch (ApertureException)
        {
            memory.Free(other);
            throw;
        }
    }

    private string? AfterUnmap(DmaMasterClient client, int port) => AfterUnmap(client, port, false) ?? AfterUnmap(client, port, true);

    private string? AfterUnmap(DmaMasterClient client, int port, bool write)
    {
        var memory = client.Device.Dma.Memory;
        var block = memory.Allocate(BufferBytes);
        try
        {
            // Held until after the attempt: a unit that lost its power would forget the translations that must be invalidated.
            using var hold = client.Device.Power.Hold();
            var seed = Seed(client, port);
            Iova address;
            using (var mapping = client.Device.Dma.Map(block, DmaDirection.Bidirectional))
            {
                address = mapping.Address;
                var before = client.Fill(port, address, (ulong)block.Length, seed);
                if (!before.IsOk)
                    return before.ToString();
            }

            var trouble = Refused(client, port, address + 0x1000, write);
            memory.Invalidate(block.Address, (ulong)block.Length);
            return trouble ?? (IsPattern(block.Span, seed) ? null : "the write after the unmap reached memory");
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
        return inside.IsOk
            ? Refused(client, port, page, false) ?? Refused(client, port, page, true) ?? OutsideRights(client, port)
            : inside.ToString();
    }

    /// <summary>What a mapping does not allow, where the unit tells that apart: a write where the device may only read, and the other way
    /// round.</summary>
    private string? OutsideRights(DmaMasterClient client, int port)
    {
        var model = PortOf(client, port).Unit;
        var unit = client.Device.Iommu!.Ports.First(other => _machine.Units.Any(
            board => board.Model == model && board.Device == other.Unit.Device)).Unit;
        var honoured = unit.Capabilities.HonouredProtection;
        var memory = client.Device.Dma.Memory;
        var block = memory.Allocate(0x1000);
        try
        {
            foreach (var direction in (ReadOnlySpan<DmaDirection>)[DmaDirection.ToDevice, DmaDirection.FromDevice])
            {
                var isWrite = direction == DmaDirection.ToDevice;
                if ((honoured & (isWrite ? Protection.Write : Protection.Read)) == 0)
                    continue;
                using var mapping = client.Device.Dma.Map(block, direction);
                if (Refused(client, port, mapping.Address, isWrite) is { } trouble)
                    return $"where it may only {(isWrite ? "read" : "write")}: {trouble}";
            }

            return null;
        }
        finally
        {
            memory.Free(block);
        }
    }

    private string? Foreign(DmaMasterClient client, int port)
    {
        if (Other(client) is not { } other)
            return AloneForeign(client, port);

        // A live buffer, if need be a further one, until it lies where this master has nothing: the other writes it through its own units
        // first.
        var buffers = new Stack<CoherentBuffer>();
        try
        {
            do
            {
                buffers.Push(other.Device.Dma.Allocate(BufferBytes));
            }
            while (buffers.Count < MaxBuffers && !CanTry(client, buffers.Peek()));

            var theirs = buffers.Peek();
            var seed = Seed(other, 77);
            var result = other.Fill(0, theirs.Address, (ulong)theirs.Length, seed);
            return result.IsOk
                ? Foreign(client, port, theirs.Memory, theirs.Address, seed)
                : $"{other.Device.Name} could not fill its buffer: {result}";
        }
        finally
        {
            while (buffers.TryPop(out var buffer))
                buffer.Dispose();
        }
    }

    private static bool CanTry(DmaMasterClient client, in CoherentBuffer theirs) =>
        theirs.Memory.Address.Value <= uint.MaxValue || !client.Device.Iommu!.Domain!.TryTranslate(theirs.Address, out _);

    /// <summary>A master of another group, or null.</summary>
    private DmaMasterClient? Other(DmaMasterClient client) => _machine.Masters
        .Where(master => master.Device?.Iommu is { } iommu && iommu.Group != client.Device.Iommu!.Group)
        .Select(master => master.Device!.Bound)
        .OfType<DmaMasterClient>()
        .FirstOrDefault();

    /// <summary>On a machine with one master, memory that nobody gave to it stands in for another master's buffer.</summary>
    private string? AloneForeign(DmaMasterClient client, int port)
    {
        var memory = client.Device.Dma.Memory;
        var block = memory.Allocate(BufferBytes);
        try
        {
            var seed = Seed(client, 77);
            DmaMasterPattern.Fill(block.Span, seed, 0);
            memory.Clean(block.Address, (ulong)block.Length);
            return Foreign(client, port, block, new Iova(block.Address.Value), seed);
        }
        finally
        {
            memory.Free(block);
        }
    }

    private string? Foreign(DmaMasterClient client, int port, MemoryBlock memory, Iova address, ulong seed)
    {
        var domain = client.Device.Iommu!.Domain!;
        var attempts = 0;

        // By the other master's device address, and by the physical address itself, where these are not our own.
        foreach (var candidate in (ReadOnlySpan<Iova>)[address, new Iova(memory.Address.Value)])
        {
            var theirs = new MemoryRange(memory.Address, (ulong)memory.Length);
            if (candidate.Value > uint.MaxValue || (domain.TryTranslate(candidate, out var target) && !theirs.Contains(target, 1)))
                continue;
            attempts++;
            if ((Refused(client, port, candidate, false) ?? Refused(client, port, candidate, true)) is { } trouble)
                return trouble;
        }

        if (attempts == 0)
            return "the other master's buffer lies at no address that this one could try";
        _machine.Memory.Cache?.Invalidate(memory.Address, (ulong)memory.Length);
        return IsPattern(memory.Span, seed) ? null : "a write reached the other master's buffer";
    }

    /// <summary>Reads or writes where nothing is mapped, and tells what was not as it must be. Units report one fault only until they
    /// are powered up anew.</summary>
    private string? Refused(DmaMasterClient client, int port, Iova address, bool write)
    {
        using var intended = _machine.Sanitizer?.Allow(client.Device);
        var faults = _machine.Iommu.FaultCount;
        var result = write ? client.Fill(port, address, 64, 1) : client.Read(port, address, 64);
        if (!PortOf(client, port).Passes(address))
            return result.Outcome == DmaMasterOutcome.BusError ? null : $"the bus let {address} pass: {result}";
        if (!result.IsBlocked)
            return $"the {(write ? "write to" : "read of")} {address} was not blocked: {result}";
        if (_machine.Iommu.FaultCount == faults)
            return $"the fault at {address} was not reported";
        var report = _machine.Iommu.Faults[^1];

        // A unit that serves several masters and cannot tell them apart names none of them.
        var group = client.Device.Iommu!.Group.Masters;
        var isOurs = report.Device == client.Device
            || (group.Count > 1 && (report.Device is null || group.Any(other => other.Device == report.Device)));
        return !isOurs || report.Address.AlignDown(0x1000) != address.AlignDown(0x1000) || report.Unit.Device != UnitOf(client, port)
            ? $"the fault at {address} was reported as: {report}"
            : null;
    }

    /// <summary>The unit behind a port.</summary>
    private Device? UnitOf(DmaMasterClient client, int port)
    {
        var model = PortOf(client, port).Unit;
        return _machine.Units.FirstOrDefault(unit => unit.Model == model)?.Device;
    }

    private DmaPort PortOf(DmaMasterClient client, int port) =>
        (_probe?.Device == client.Device ? _probe! : _machine.Masters.First(master => master.Device == client.Device)).Ports[port];

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
