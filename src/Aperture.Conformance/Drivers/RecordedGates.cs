using Aperture.Core;
using Aperture.Hardware.Translation;
using Aperture.Power;

namespace Aperture.Conformance.Drivers;

/// <summary>The clocks and reset lines of one device of the replay.</summary>
internal sealed class RecordedGates : IGateProvider
{
    private readonly List<Gate> _gates = []; // in order of the cells

    /// <summary>The gates.</summary>
    public IReadOnlyList<Gate> All => _gates;

    /// <summary>Makes a gate.</summary>
    /// <returns>The reference to it.</returns>
    public GateSpecifier Add(GateKind kind, string name)
    {
        _gates.Add(new Gate(kind, name));
        return new GateSpecifier(kind, name, this, "recording", [(uint)_gates.Count - 1]);
    }

    /// <summary>Lets a unit work while its own clocks run. The master's clock is not its own.</summary>
    public void Clock(TranslationUnit unit)
    {
        var own = _gates.Where(gate => gate.Kind == GateKind.Clock && gate.Name != "master").ToArray();
        foreach (var gate in own)
            gate.Changed += _ => unit.IsClocked = Array.TrueForAll(own, clock => clock.IsOn);
        unit.IsClocked = own.Length == 0;
    }

    /// <inheritdoc/>
    public Status Resolve(GateKind kind, ReadOnlySpan<uint> cells, out Gate? gate)
    {
        gate = cells.Length == 1 && cells[0] < _gates.Count ? _gates[(int)cells[0]] : null;
        return gate is null ? Status.NotFound : Status.Ok;
    }
}
