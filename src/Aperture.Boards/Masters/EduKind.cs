using Aperture.Datasheets.Edu;
using Aperture.Hardware.Masters;

namespace Aperture.Boards.Masters;

/// <summary>The educational device of virtual machines (docs/units/edu.md).</summary>
public sealed class EduKind : MasterKind
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Compatible { get; } = ["aperture,edu"];

    /// <inheritdoc/>
    public override MasterDevice CreateModel(MasterSite site)
    {
        ArgumentNullException.ThrowIfNull(site);
        return new Edu(site.Ports[0], new EduOptions { Time = site.Time })
        {
            WindowSize = (uint)Math.Min(site.Windows[0].Length, EduRegisters.Size),
        };
    }
}
