using Aperture.Conformance.Models;
using Aperture.Conformance.Vectors;
using Aperture.Core;
using Aperture.Devices;
using Aperture.Hardware.Bus;
using Aperture.Iommu;
using Aperture.Power;

namespace Aperture.Conformance.Drivers;

/// <content>Units, their devices, and how they are found.</content>
public sealed partial class DriverReplay
{
    private readonly Dictionary<string, IMmioDevice> _blocks = []; // system-control blocks, by name
    private readonly SystemBus _recordedBus;                       // where the shadows walk
    private Status _probeStatus;                                   // how the last probe of a unit ended

    private void AddMmu(VectorEvent line)
    {
        var facts = UnitFacts.Collect(_file, line);
        if (_mmus.ContainsKey(facts.Name))
            throw line.Bad($"there is a unit {facts.Name} already");
        var model = _family.Models.Create(_bus, facts);
        var probe = new ModelProbe(_family.Models, _family.Models.Create(_bus, facts));
        var sibling = FindMmu(facts.Device);
        var (device, gates) = sibling is null ? MakeDevice(facts) : (sibling.Device, sibling.Gates);
        device.Registers.Add(new ModelRegisters(facts.Name, model));
        _family.Connect(new ReplayedSite(_file, facts, device, model, _blocks));
        gates.Clock(model);
        _mmus.Add(facts.Name, new ReplayedMmu(facts, model, probe, _family.Models.Create(_recordedBus, facts), device, gates));
    }

    private (Device Device, RecordedGates Gates) MakeDevice(UnitFacts facts)
    {
        var gates = new RecordedGates();
        var clocks = facts.Probe is null ? [] : _family.Clocks(facts.Probe).Select(name => gates.Add(GateKind.Clock, name)).ToArray();
        var resets = _file.Events.Where(plat => plat.Kind == "plat" && plat.Has("line") && plat.Text("dev") == facts.Device)
            .Select(plat => plat.Text("line")).Distinct().Select(name => gates.Add(GateKind.Reset, name)).ToArray();
        var device = new Device(facts.Device)
        {
            Description = new DeviceDescription { Compatible = [Compatible(facts)], Gates = [.. clocks, .. resets] },
        };
        if (facts.Probe is { } call && (!call.Has("irq") || call.Number("irq") >= 0))
            device.Interrupts.Add(new Interrupt(facts.Device));
        _drivers.RegisterGates(gates, gates);
        return (device, gates);
    }

    /// <summary>A name that the driver serves, the recorded one if there is one.</summary>
    private string Compatible(UnitFacts facts) => facts.Probe is { } probe && probe.Has("compatible")
        ? probe.Text("compatible")
        : _family.Compatible(facts) ?? _driver!.Compatible[0];

    private void Probe(RecordedCall call)
    {
        var mmu = call.Api.Has("dev") ? Mmu(call.Api, "dev") : OnlyMmu(call.Api);
        _probeStatus = Status.Ok;
        _drivers.Add(mmu.Device);
        if (call.Result == 0 && mmu.Unit is null && _probeStatus == Status.Ok)
        {
            var served = string.Join(", ", _driver!.Compatible);
            Part.Fail(call.Line, $"a driver for {mmu.Facts.Name}, '{Compatible(mmu.Facts)}'", $"{_driver.Name} serves {served}");
            _isOver = true;
            return;
        }

        Part.CheckNumber(call.Line, "the probe gives", call.Result, (long)(mmu.Unit is not null ? Status.Ok : _probeStatus));
        if (mmu.Unit is { } unit)
            _family.CheckProbe(Part, call.Api, unit);
        foreach (var table in _memory.Used.Keys)
            _sharedTables.Add(table);
    }

    /// <summary>Puts a master behind its units: those that the recording named, or those that its first attachment powers.</summary>
    private void ProbeDevice(RecordedCall call)
    {
        var master = Master(call.Api);
        if (master.Units.Count == 0)
            master.Units.AddRange(FindUnits(call.Api.Text("dev")));
        master.Cells.AddRange(_family.Cells(call.Api));
        var got = Try(() => _core.Configure(
            master.Device,
            [.. master.Units.SelectMany(
                mmu => master.CellsOf(mmu).Select(cells => new IommuSpecifier(mmu.Device.Key, mmu.Facts.Name, cells)))]));
        if (got == Status.OutOfRange && call.Result == 0 && master.Units is [{ Unit: { } unit }, ..]
            && master.Cells.Exists(cells => _family.IsUnknown(unit, cells)))
            Deviate(Rules.UnknownStream);
        else
            Part.CheckNumber(call.Line, "the master's probe gives", call.Result, (long)got);
    }

    /// <summary>The unit of a file that has one, and calls it nothing.</summary>
    private ReplayedMmu OnlyMmu(VectorEvent line) =>
        _mmus.Count == 1 ? _mmus.Values.Single() : throw line.Bad($"there are {_mmus.Count} units");

    private IEnumerable<ReplayedMmu> FindUnits(string master)
    {
        var events = _file.Events;
        for (var i = 0; i < events.Count; i++)
        {
            if (events[i].Call != "attach_dev" || events[i].Text("dev") != master)
                continue;
            var powered = RecordedCall.At(events, i).Of("pm").Select(pm => pm.Text("dev")).ToArray();
            if (powered.Length > 0)
                return powered.Where(_mmus.ContainsKey).Select(name => _mmus[name]);
        }

        return _mmus.Values.Where(mmu => mmu.Unit is not null).Take(1);
    }

    private static Status Try(Action action)
    {
        try
        {
            action();
            return Status.Ok;
        }
        catch (ApertureException e) when (e is not VectorException)
        {
            return e.Status;
        }
    }

    /// <summary>Passes everything on to a driver and keeps how its probes end.</summary>
    private sealed class WatchedDriver(DriverReplay replay, IDriver driver) : IDriver
    {
        public string Name => driver.Name;

        public IReadOnlyList<string> Compatible => driver.Compatible;

        public IBoundDriver Probe(Device device)
        {
            try
            {
                return driver.Probe(device);
            }
            catch (ApertureException e) when (e is not VectorException)
            {
                replay._probeStatus = e.Status;
                throw;
            }
        }
    }
}
