using System.Diagnostics;

namespace Aperture.Iommu.Recorded;

// What holds whenever nobody is in the middle of a change.
public abstract partial class RecordedDomain
{
    /// <summary>Asserts it, in Debug. Call it under the lock.</summary>
    [Conditional("DEBUG")]
    private void AssertInvariants()
    {
        Debug.Assert(_lock.IsHeldByCurrentThread, "a domain's mappings are looked at under its lock");
        Debug.Assert(_spaces.Distinct().Count() == _spaces.Length, "a domain is in force once in a space");
        Debug.Assert(_uneven.All(space => _spaces.Contains(space)), "what may be missing is missing where the domain is in force");
    }
}
