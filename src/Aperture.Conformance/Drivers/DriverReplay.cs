using Aperture.Conformance.Vectors;
using Aperture.Core;
using Aperture.Devices;
using Aperture.Hardware.Bus;
using Aperture.Iommu;

namespace Aperture.Conformance.Drivers;

/// <summary>Runs the recorded calls through our IOMMU core and driver on our models. Registers may be accessed in any order; what
/// must be equal after each call is its result, the tables, the state of the control registers, clocks and resets, and the faults
/// reported. Where a rule lets our state differ, it is brought in line by further calls.</summary>
public sealed partial class DriverReplay : RecordedReplay<DriverFamily>
{
    private readonly SystemBus _bus;
    private readonly IommuCore _core;
    private readonly DriverCore _drivers;
    private WatchedDriver? _driver;                                 // the units' driver; made when the replay begins
    private readonly Dictionary<string, ReplayedMmu> _mmus = [];    // by name
    private readonly Dictionary<string, ReplayedMaster> _masters = []; // by name
    private readonly Dictionary<string, ReplayedDomain> _domains = []; // by label
    // the file puts entries into TLBs: our own accesses must not replace them
    private readonly bool _hasTestEntries;
    private ulong? _recordedZeroTable;                              // the table of zeros that all recorded domains share

    private DriverReplay(VectorFile file, DriverFamily family)
        : base(file, family)
    {
        _bus = new SystemBus(_memory.Memory);
        _recordedBus = new SystemBus(_recorded.Memory);
        _core = new IommuCore(_memory) { DefaultDomainType = DomainType.Identity };
        _drivers = new DriverCore(_core, new NoSystemMemory());
        _hasTestEntries = file.Events.Any(line => line.Kind == "tlb");
    }

    /// <summary>Replays a file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="family">The kind of unit that it is about.</param>
    /// <param name="deviations">How often each rule was applied.</param>
    /// <exception cref="VectorException">The file does not follow the format.</exception>
    public static ReplayPart Run(VectorFile file, DriverFamily family, out IReadOnlyList<Deviation> deviations)
    {
        using var replay = new DriverReplay(file, family);
        return replay.PlayAll(out deviations);
    }

    private protected override void Play()
    {
        _driver = new WatchedDriver(this, _family.CreateDriver(_core, name => FindMmu(name)!.Facts));
        _drivers.Register(_driver);
        for (var i = 0; i < _file.Events.Count && !_isOver; i++)
        {
            var line = _file.Events[i];
            if (line.Kind == "api")
            {
                var call = RecordedCall.At(_file.Events, i);
                i += call.Effects.Count;
                PlayCall(call);
            }
            else
            {
                PlayStep(line);
            }
        }
    }

    /// <summary>What the test does between two calls.</summary>
    private void PlayStep(VectorEvent line)
    {
        switch (line.Kind)
        {
            case "unit":
                AddMmu(line);
                break;
            case "hw":
                var mmu = Mmu(line, "unit");
                var offset = mmu.Facts.OffsetOf(line);
                _family.Models.Poke(mmu.Model, offset, line.Word("val"));
                _family.Models.Poke(mmu.Shadow, offset, line.Word("val"));
                mmu.Recorded[offset] = line.Word("val");
                break;
            case "model" when line.Has("unit"):
                _family.Models.Configure(Mmu(line, "unit").Model, line);
                _family.Models.Configure(Mmu(line, "unit").Shadow, line);
                break;
            case "tlb":
                PutEntry(line);
                break;
            case "handler":
                Domain(line, "dom").HandlerAnswer = line.Flag("set") ? line.Number("ret") : null;
                break;
            case "alloc":
                _recorded.Allocate(line);
                break;
            case "free":
                _recorded.Free(line);
                break;
            case "poke":
                _recorded.Poke(line);
                if (_memory.Memory.Contains(new PhysicalAddress(line.Hex("pa")), sizeof(uint)))
                    System.Runtime.InteropServices.MemoryMarshal.Write(
                        _memory.Memory.Span(new PhysicalAddress(line.Hex("pa")), sizeof(uint)), line.Word("val"));
                break;
            case "expect":
                CheckExpectation(line);
                break;
        }
    }

    private void PlayCall(RecordedCall call)
    {
        Prime(call);
        _recordedBefore = LeavesBefore(call);
        foreach (var effect in call.Effects)
            NoteEffect(call, effect);
        Guard(call, () => Make(call));
        if (_domains.Count > 0)
            _memory.WithdrawOffers(); // what the driver allocates for all domains it may take at any time before the first
        foreach (var domain in _domains.Values)
            CheckTables(call, domain);
        CheckLeaks(call);
        CheckHardware(call);
        CheckStale(call);
    }

    /// <summary>A call of ours that fails where the replay does not expect it is a divergence, not the end of the replay.</summary>
    private void Guard(RecordedCall call, Action make)
    {
        try
        {
            make();
        }
        catch (ApertureException e) when (e is not VectorException)
        {
            Part.Fail(call.Line, $"'{call.Api.Call}' to end with {call.Result}", $"{e.Status}: {e.Message}");
        }
    }

    private ReplayedMmu Mmu(VectorEvent line, string member) =>
        FindMmu(line.Text(member)) ?? throw line.Bad($"there is no unit {line.Text(member)}");

    /// <summary>The unit of a name, or the first of those that work as one under that name.</summary>
    private ReplayedMmu? FindMmu(string name) =>
        _mmus.GetValueOrDefault(name) ?? _mmus.Values.FirstOrDefault(mmu => mmu.Facts.Device == name);

    private ReplayedMaster Master(VectorEvent line)
    {
        var name = line.Text("dev");
        if (!_masters.TryGetValue(name, out var master))
            _masters.Add(name, master = new ReplayedMaster(new Device(name)));
        return master;
    }

    private ReplayedDomain Domain(VectorEvent line, string member)
    {
        var label = line.Text(member);
        if (!_domains.TryGetValue(label, out var domain))
            _domains.Add(label, domain = new ReplayedDomain(label));
        return domain;
    }
}
