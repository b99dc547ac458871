using Aperture.Conformance.Vectors;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;

namespace Aperture.Conformance.Models;

/// <summary>Feeds the recorded register writes into the unit models and compares what they answer: every read, every fault, and
/// what the hardware must do with an access.</summary>
public sealed partial class ModelReplay : IDisposable
{
    private readonly VectorFile _file;
    private readonly ModelFamily _family;
    private readonly RecordedMemory _memory;
    private readonly SystemBus _bus;
    private readonly Dictionary<string, ReplayedUnit> _units = [];      // by name
    private readonly Dictionary<string, List<ulong>> _roots = [];       // first-level tables of each domain, as allocated
    private readonly Dictionary<string, long> _clocks = [];             // use counts, by device and clock
    private readonly Dictionary<string, Dictionary<uint, uint>> _maps = [];    // system-control registers, by name
    private readonly HashSet<ulong> _readInCall = [];                   // what reads of the current call returned
    private VectorEvent? _call;                                         // the call that lines now belong to

    private ModelReplay(VectorFile file, ModelFamily family)
    {
        _file = file;
        _family = family;
        _memory = new RecordedMemory(file);
        _bus = new SystemBus(_memory.Memory);
    }

    private ReplayPart Part { get; } = new();

    /// <summary>Replays a file.</summary>
    /// <exception cref="VectorException">The file does not follow the format.</exception>
    public static ReplayPart Run(VectorFile file, ModelFamily family)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(family);
        using var replay = new ModelReplay(file, family);
        foreach (var line in file.Events)
            replay.Play(line);
        return replay.Part;
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();

    private void Play(VectorEvent line)
    {
        switch (line.Kind)
        {
            case "api":
                _call = line;
                _readInCall.Clear();
                break;
            case "unit":
                AddUnit(line);
                break;
            case "hw":
                _family.Poke(Unit(line).Model, Offset(line), line.Word("val"));
                break;
            case "model" when line.Has("unit"):
                _family.Configure(Unit(line).Model, line);
                break;
            case "tlb":
                _family.SetEntry(Unit(line).Model, line);
                break;
            case "w":
                PlayWrite(line);
                break;
            case "r":
                PlayRead(line);
                break;
            case "omitted":
                foreach (var unit in _units.Values)
                    unit.ForgetRegisters();
                break;
            case "regmap":
                PlaySystemRegister(line);
                break;
            case "clk":
                PlayClock(line);
                break;
            case "fault":
                PlayFault(line);
                break;
            case "expect":
                PlayExpectation(line);
                break;
            case "swgroup" or "client" or "group":
                _family.CheckFact(Part, line);
                break;
            default:
                PlayMemory(line);
                break;
        }
    }

    private void AddUnit(VectorEvent line)
    {
        var facts = UnitFacts.Collect(_file, line);
        if (_units.ContainsKey(facts.Name))
            throw line.Bad($"there is a unit {facts.Name} already");
        _units.Add(
            facts.Name,
            new ReplayedUnit(_family.Create(_bus, facts), new ModelProbe(_family, _family.Create(_bus, facts)), _family.Kind(facts)));
    }

    private ReplayedUnit Unit(VectorEvent line) =>
        _units.GetValueOrDefault(line.Text("unit")) ?? throw line.Bad($"there is no unit {line.Text("unit")}");

    private uint Offset(VectorEvent line)
    {
        var offset = line.Word("off");
        return offset % sizeof(uint) == 0 && offset < Unit(line).Model.Size
            ? offset
            : throw line.Bad($"unit {line.Text("unit")} has no register at 0x{offset:x}");
    }

    private sealed class ReplayedUnit(TranslationUnit model, ModelProbe probe, object kind)
    {
        private readonly HashSet<ulong> _known = []; // registers accessed since traffic was left out
        private bool _hasGaps;                       // traffic was left out: what was not accessed since may differ

        public TranslationUnit Model => model;

        public ModelProbe Probe => probe;

        /// <summary>Equal for units that translate alike.</summary>
        public object Kind => kind;

        public void ForgetRegisters()
        {
            _hasGaps = true;
            _known.Clear();
        }

        /// <summary>Notes an access. Tells whether the register's content was known before it.</summary>
        public bool Learn(ulong register) => !_hasGaps || !_known.Add(register);
    }
}
