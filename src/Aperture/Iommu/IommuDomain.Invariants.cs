using System.Diagnostics;

namespace Aperture.Iommu;

// What holds whenever nobody is in the middle of a change.
public abstract partial class IommuDomain
{
    /// <summary>Asserts it, in Debug. Call it under the lock of targets.</summary>
    [Conditional("DEBUG")]
    private void AssertInvariants()
    {
        Debug.Assert(_targetsLock.IsHeldByCurrentThread, "who is told is looked at under the lock");
        Debug.Assert(_quarantined == _quarantines.Count, "the number of quarantines is theirs");
        Debug.Assert(Array.TrueForAll(_targets, target => target.Users >= 0 && target.Domain == this), "a target counts its masters");
        Debug.Assert(_targets.Select(target => target.Unit).Distinct().Count() == _targets.Length, "a unit is told once");
    }
}
