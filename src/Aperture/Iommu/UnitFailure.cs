using Aperture.Core;

namespace Aperture.Iommu;

/// <summary>A failure of a unit's hardware: a register access that was not answered, a handshake that did not end, a clock that does not
/// start.</summary>
/// <param name="Unit">The unit.</param>
/// <param name="Operation">What its driver was doing.</param>
/// <param name="Status">The kind of failure; never <see cref="Core.Status.Ok"/>.</param>
/// <param name="Reason">What failed, by name.</param>
/// <param name="Remedy">What became of the unit.</param>
public sealed record UnitFailure(IommuUnit Unit, UnitOperation Operation, Status Status, string Reason, UnitRemedy Remedy)
{
    /// <summary>One line for a log.</summary>
    public override string ToString() => $"{Unit.Name}: {What} failed: {Reason}; {Outcome}";

    private string What => Operation switch
    {
        UnitOperation.Invalidate => "an invalidation",
        UnitOperation.Attach => "an attach",
        UnitOperation.Resume => "a resume",
        UnitOperation.Suspend => "a suspend",
        UnitOperation.Reprogram => "programming it afresh",
        _ => "the handling of a fault",
    };

    private string Outcome => Remedy switch
    {
        UnitRemedy.Reprogrammed => "it was programmed afresh",
        UnitRemedy.CutOff => "its masters are cut off, and what was unmapped stays in quarantine until it was programmed afresh",
        _ => "its masters may still reach what was unmapped, which stays in quarantine until it was programmed afresh",
    };
}
