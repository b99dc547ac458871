using Aperture.Conformance.Drivers;
using Aperture.Conformance.Tables;

namespace Aperture.Conformance;

/// <summary>What can be replayed. A further kind adds its line here.</summary>
public static class Families
{
    /// <summary>Our units and their drivers.</summary>
    public static IReadOnlyList<DriverFamily> Units { get; } =
        [new OmapDriverFamily(), new ExynosDriverFamily(), new TegraDriverFamily(), new MsmDriverFamily(), new RockchipDriverFamily()];

    /// <summary>Our table formats, against page-table libraries.</summary>
    public static IReadOnlyList<TableFamily> Tables { get; } = [new ArmShortTableFamily(), new ArmLpaeTableFamily(), new AmdTableFamily()];
}
