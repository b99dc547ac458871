using Aperture.Core;

namespace Aperture.Hardware.Translation.Walking;

/// <summary>How far a walk came: the table with the entry that it ended at. A later walk to an address that the same table serves can begin
/// there (<see cref="TableWalker{TFormat, TReader}.TryWalk(ulong, WalkAccess, ref WalkStep, out WalkResult, out WalkFault)"/>). The default
/// is the first table.</summary>
/// <param name="Table">The table, in the space of the walker's reader.</param>
/// <param name="Level">Its level, as the format counts.</param>
/// <param name="Links">What the links to it allow.</param>
public readonly record struct WalkStep(PhysicalAddress Table, int Level, Protection Links)
{
    /// <summary>Whether it is the first table of whatever walker.</summary>
    public bool IsRoot => Links == Protection.None;
}
