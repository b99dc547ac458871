using System.Diagnostics;

namespace Aperture.Iommu;

// What holds whenever nobody is in the middle of a change.
public abstract partial class IommuUnit
{
    /// <summary>Asserts it, in Debug. Call it under the lock of quarantines.</summary>
    [Conditional("DEBUG")]
    private void AssertInvariants()
    {
        Debug.Assert(_quarantineLock.IsHeldByCurrentThread, "a unit's failures are looked at under their lock");
        Debug.Assert(_needsReprogram || _waiting is null, "nothing waits for a unit that works");
        Debug.Assert(_needsReprogram || !_stopsMasters, "nobody is kept from memory behind a unit that works");
        Debug.Assert(_stopsMasters || (_stopped.Count == 0 && !_areStopped), "who is kept from memory is let go with the others");
        Debug.Assert(_stopped.Distinct().Count() == _stopped.Count, "a master is kept from memory once");
        Debug.Assert(_successor is null || (_waiting is null && _stopped.Count == 0), "what a unit left its successor has");
    }
}
