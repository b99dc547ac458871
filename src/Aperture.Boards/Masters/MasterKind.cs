using Aperture.Boards.Units;
using Aperture.Core;
using Aperture.Devices;
using Aperture.Hardware.Masters;

namespace Aperture.Boards.Masters;

/// <summary>A kind of device that does DMA and has registers of its own: how trees name it, its model and, where it has one on every
/// machine, its driver. The counterpart of <see cref="UnitKind"/> on the other side of the IOMMUs.</summary>
/// <remarks>One object stands for all devices of the kind; what a device needs comes with its <see cref="MasterSite"/>. Give a kind of your
/// own to
/// <see cref="MachineOptions.Masters"/>.</remarks>
public abstract class MasterKind
{
    /// <summary>The <c>compatible</c> strings. The first string of a node that a kind has decides.</summary>
    public abstract IReadOnlyList<string> Compatible { get; }

    /// <summary>Makes the model of a device. The machine puts it at the node's first register window, connects its first interrupt, and
    /// gives it clocks, resets and power.</summary>
    /// <param name="site">Where it stands, with its ports to memory.</param>
    /// <exception cref="ApertureException">The node describes no such device. The message need not name the node.</exception>
    public abstract MasterDevice CreateModel(MasterSite site);

    /// <summary>Makes the driver that takes such devices over when the machine boots; it serves strings of <see cref="Compatible"/>.
    /// Without one (null) a device behind IOMMUs belongs to the driver of the generic master, until somebody binds another, and one without
    /// is not built.</summary>
    /// <param name="machine">The machine, with its units and the masters behind them; nothing is bound yet.</param>
    public virtual IDriver? CreateDriver(Machine machine) => null;
}
