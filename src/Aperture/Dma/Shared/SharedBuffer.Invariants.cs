using System.Diagnostics;

namespace Aperture.Dma.Shared;

// What holds whenever nobody is in the middle of a change.
public sealed partial class SharedBuffer
{
    /// <summary>Asserts it, in Debug. Call it under the lock.</summary>
    [Conditional("DEBUG")]
    private void AssertInvariants()
    {
        Debug.Assert(_lock.IsHeldByCurrentThread, "a shared buffer is looked at under its lock");
        var isShared = _uses.TrueForAll(use => use.Direction == DmaDirection.ToDevice);
        Debug.Assert(_uses.Count <= 1 || isShared, "a writer has the bytes alone");
        Debug.Assert(_uses.TrueForAll(use => use.User is null || _parts.ContainsKey(use.User)), "whose turn it is takes part");
        foreach (var part in _parts.Values)
            Debug.Assert(_parts.GetValueOrDefault(part.Owner).Owner == part.Owner, "who lends a mapping takes part by it");
    }
}
