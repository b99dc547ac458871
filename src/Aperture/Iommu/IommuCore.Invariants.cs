using System.Diagnostics;

namespace Aperture.Iommu;

// What holds whenever nobody is in the middle of a change.
public sealed partial class IommuCore
{
    /// <summary>Asserts it, in Debug. Call it under the lock of configuring.</summary>
    [Conditional("DEBUG")]
    private void AssertInvariants()
    {
        Debug.Assert(_configuring.IsHeldByCurrentThread, "descriptions are looked at under their lock");
        Debug.Assert(_described.Count == _descriptions.Count && _all.Length == _descriptions.Count, "all lists have the same masters");
        foreach (var master in _descriptions)
        {
            Debug.Assert(_described.GetValueOrDefault(master.Device) == master, "a device is described once");
            Debug.Assert(!master.IsAttached || master.Group is not null, "who is behind its units is in a group");
            Debug.Assert(!master.IsAttached || master.Device.Iommu!.Group == master.Group, "and knows it");
        }
    }
}
