using Aperture.Hardware.Masters;

namespace Aperture.Boards.Masters;

/// <summary>The camera interface of OMAP3, as far as it captures (docs/units/omap3-isp.md). Its receivers have the node's second register
/// window.</summary>
public sealed class Omap3IspKind : MasterKind
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Compatible { get; } = ["ti,omap3-isp"];

    /// <inheritdoc/>
    public override MasterDevice CreateModel(MasterSite site)
    {
        ArgumentNullException.ThrowIfNull(site);
        var isp = new Omap3IspCapture(site.Ports[0]);
        if (site.Windows is [_, { Address: not null, Length: > 0 }, ..])
            site.AttachWindow(1, isp.Receivers);
        return isp;
    }
}
