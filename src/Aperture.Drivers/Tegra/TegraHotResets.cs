using Aperture.Core;
using Aperture.Power;

namespace Aperture.Drivers.Tegra;

/// <summary>The hot resets of a memory controller as reset lines: while nobody holds one released, after somebody has, the block's clients
/// are held back. Before that they are not: the controller comes up so.</summary>
public sealed class TegraHotResets : IGateProvider
{
    private readonly TegraSmmuUnit _unit;
    private readonly Dictionary<uint, Gate> _gates = []; // by number

    internal TegraHotResets(TegraSmmuUnit unit) => _unit = unit;

    /// <inheritdoc/>
    public Status Resolve(GateKind kind, ReadOnlySpan<uint> cells, out Gate? gate)
    {
        gate = null;
        if (kind != GateKind.Reset || cells.Length != 1)
            return Status.InvalidArgument;
        if (cells[0] >= _unit.Soc.HotResets.Count)
            return Status.OutOfRange;
        if (!_gates.TryGetValue(cells[0], out gate))
        {
            var reset = _unit.Soc.HotResets[(int)cells[0]];
            gate = new Gate(GateKind.Reset, $"{_unit.Name} {reset.Name}");
            gate.Changed += isReleased => _unit.SetHotReset(reset, !isReleased);
            _gates.Add(cells[0], gate);
        }

        return Status.Ok;
    }
}
