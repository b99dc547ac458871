using Aperture.Core;

namespace Aperture.Power;

/// <summary>Gives out gates: the driver of a clock, reset or power controller. Called under the driver core's lock.</summary>
public interface IGateProvider
{
    /// <summary>Finds the gate that the cells of a reference mean. The same cells give the same gate.</summary>
    /// <returns><see cref="Status.InvalidArgument"/> for a wrong number of cells, <see cref="Status.OutOfRange"/> or
    /// <see cref="Status.NotFound"/> for a gate that there is not; <see cref="Status.ProbeDefer"/> for one that comes later.</returns>
    Status Resolve(GateKind kind, ReadOnlySpan<uint> cells, out Gate? gate);
}
