using Aperture.Hardware.Masters;

namespace Aperture.Boards.Masters;

/// <summary>The scaler of Exynos4 (docs/units/fimc.md).</summary>
public sealed class FimcKind : MasterKind
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Compatible { get; } = ["samsung,exynos4210-fimc", "samsung,exynos4212-fimc"];

    /// <inheritdoc/>
    public override MasterDevice CreateModel(MasterSite site)
    {
        ArgumentNullException.ThrowIfNull(site);
        return new Fimc(site.Ports[0]) { Pace = site.Pace };
    }
}
