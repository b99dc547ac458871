using System.Diagnostics;

namespace Aperture.Iommu;

// What holds whenever nobody is in the middle of a change.
public sealed partial class IommuGroup
{
    /// <summary>Asserts it, in Debug. Call it under the lock.</summary>
    [Conditional("DEBUG")]
    private void AssertInvariants()
    {
        Debug.Assert(_lock.IsHeldByCurrentThread, "a group is looked at under its lock");
        Debug.Assert(_owners >= 0 && (_owner is null || _owners > 0), "an owner has a claim");
        var isEmpty = Domain is null && DefaultDomain is null && _blocked is null && _pasids.Count == 0;
        Debug.Assert(_masters.Length > 0 || isEmpty, "without masters there are no domains");
        foreach (var master in _masters)
        {
            Debug.Assert(master.Group == this, "a master knows its group");
            Debug.Assert(Array.Exists(_members, member => member.Device == master.Device), "who is attached was described");
            foreach (var port in master.Ports)
            {
                Debug.Assert(Domain is null || Domain.TargetOn(port.Unit) is not null, "a unit hears of the changes of its domain");
                foreach (var process in _pasids.Values)
                    Debug.Assert(master.PasidBits == 0 || process.TargetOn(port.Unit) is not null, "and of its processes' domains");
            }
        }
    }
}
