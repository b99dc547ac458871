using Aperture.Tool.Conform.Drivers;
using Aperture.Tool.Conform.Tables;

namespace Aperture.Tool.Conform;

/// <summary>The kinds of units that can be replayed. A further kind adds its line here.</summary>
public static class Families
{
    private static readonly DriverFamily[] Drivers = [new OmapDriverFamily(), new ExynosDriverFamily(), new TegraDriverFamily(), new MsmDriverFamily(), new RockchipDriverFamily()];

    private static readonly TableFamily[] Tables = [new ArmShortTableFamily(), new ArmLpaeTableFamily(), new AmdTableFamily()];

    /// <summary>The family of a recorded driver, or null where there is none.</summary>
    public static DriverFamily? Find(string driver) => Array.Find(Drivers, family => family.Models.Driver == driver);

    /// <summary>The family of a recorded page-table library, or null where there is none.</summary>
    public static TableFamily? FindTables(string library) => Array.Find(Tables, family => family.Driver == library);
}
