using Aperture.Datasheets.Tegra;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Drivers.Tegra;

/// <summary>Masters with a swgroup in common cannot be told apart, and by convention some swgroups belong together.</summary>
internal sealed class TegraMasterGrouping(TegraSoc soc, TegraGrouping grouping) : MasterGrouping
{
    /// <inheritdoc/>
    public override IEnumerable<object> KeysOf(Device master, IommuSpecifier reference)
    {
        yield return new StreamKey(reference);
        if (grouping != TegraGrouping.ByConvention || reference.Cells is not [var swgroup])
            yield break;
        foreach (var group in soc.Groups)
        {
            if (group.Swgroups.Contains(swgroup))
                yield return (reference.Unit, group.Name);
        }
    }
}
