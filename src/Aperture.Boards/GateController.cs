using Aperture.Core;
using Aperture.Devices;
using Aperture.DeviceTrees;
using Aperture.Power;

namespace Aperture.Boards;

/// <summary>The clocks, reset lines or power domains that one node of a tree provides, made when somebody asks for them.</summary>
/// <param name="node">The provider's node.</param>
/// <param name="parent">The gate that feeds all of them, or null.</param>
/// <param name="depth">How many domains are above this one.</param>
internal sealed class GateController(DeviceTreeNode node, Gate? parent, int depth) : IGateProvider
{
    private readonly Dictionary<(GateKind Kind, string Cells), Gate> _gates = []; // by specifier

    public int Depth => depth;

    /// <summary>The device that must be bound before it provides anything; null when there is none but the controller's own.</summary>
    public Device? Owner { get; set; }

    public Status Resolve(GateKind kind, ReadOnlySpan<uint> cells, out Gate? gate)
    {
        var property = kind switch
        {
            GateKind.Clock => "#clock-cells",
            GateKind.Reset => "#reset-cells",
            _ => "#power-domain-cells",
        };
        gate = null;
        if (node.U32(property) != cells.Length)
            return Status.InvalidArgument;
        if (Owner is { Bound: null })
            return Status.ProbeDefer;
        gate = Get(kind, cells);
        return Status.Ok;
    }

    public Gate Get(GateKind kind, ReadOnlySpan<uint> cells)
    {
        var specifier = string.Join(' ', cells.ToArray());
        if (!_gates.TryGetValue((kind, specifier), out var gate))
        {
            gate = new Gate(
                kind,
                specifier.Length == 0 ? node.DeviceName : $"{node.DeviceName} {specifier}",
                kind == GateKind.PowerDomain ? parent : null);
            _gates.Add((kind, specifier), gate);
        }

        return gate;
    }
}
