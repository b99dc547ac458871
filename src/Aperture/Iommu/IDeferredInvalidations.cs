using Aperture.Core;

namespace Aperture.Iommu;

/// <summary>Unmapped ranges of a domain that wait for their invalidation. It goes with the domain.</summary>
internal interface IDeferredInvalidations : IDisposable
{
    /// <summary>Makes every unit invalidate all that waits.</summary>
    /// <returns>The first failure.</returns>
    Status Flush();
}
