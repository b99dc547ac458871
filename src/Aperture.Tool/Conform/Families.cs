using Aperture.Tool.Conform.Models;

namespace Aperture.Tool.Conform;

/// <summary>The kinds of units that can be replayed. A further kind adds its line here.</summary>
public static class Families
{
    private static readonly ModelFamily[] Models = [new OmapModelFamily(), new ExynosModelFamily()];

    /// <summary>The models for the files of a recorded driver, or null where there are none.</summary>
    public static ModelFamily? FindModel(string driver) => Array.Find(Models, family => family.Driver == driver);
}
