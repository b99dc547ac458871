using Aperture.Core;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Conformance.Drivers;

/// <summary>A master of the replay.</summary>
internal sealed class ReplayedMaster(Device device)
{
    public Device Device { get; } = device;

    /// <summary>The units that it is behind, as the recording names them.</summary>
    public List<ReplayedMmu> Units { get; } = [];

    /// <summary>What stands behind its references to a unit, where the recording does not name the unit.</summary>
    public List<uint[]> Cells { get; } = [];

    /// <summary>Its references to units where the recording names the unit with each.</summary>
    public List<(ReplayedMmu Mmu, uint[] Cells)> References { get; } = [];

    /// <summary>What stands behind its references to one unit.</summary>
    public IReadOnlyList<uint[]> CellsOf(ReplayedMmu mmu) =>
        References.Count == 0 ? Cells : [.. References.Where(reference => reference.Mmu == mmu).Select(reference => reference.Cells)];

    /// <summary>The domain that it is in; null for none of the recording's.</summary>
    public ReplayedDomain? Domain { get; set; }

    /// <summary>The number of its group as recorded; null where it was not.</summary>
    public long? RecordedGroup { get; set; }

    /// <summary>Whether this replay holds it active.</summary>
    public bool IsHeld { get; set; }

    public IommuGroup Group => Device.Iommu?.Group ?? throw new ApertureException(Status.NoDevice, $"{Device.Name} is behind no unit");
}
