using Aperture.Devices;
using Aperture.DeviceTrees;
using Aperture.Hardware.Pci;

namespace Aperture.Boards.Pci;

/// <summary>A kind of PCI function that trees put into a slot of a host: a node below the host's, with the function's <c>compatible</c>
/// string and its place in <c>reg</c>. The counterpart of <see cref="Masters.MasterKind"/> on PCI.</summary>
/// <remarks>Give a kind of your own to <see cref="MachineOptions.PciKinds"/>.</remarks>
public abstract class PciKind
{
    /// <summary>The <c>compatible</c> strings, as the PCI binding forms them (<c>pci1234,11e8</c>).</summary>
    public abstract IReadOnlyList<string> Compatible { get; }

    /// <summary>Makes the function. The machine puts it into its slot.</summary>
    /// <param name="site">The host.</param>
    /// <param name="node">The function's node.</param>
    /// <exception cref="Core.ApertureException">The node describes no such function. The message need not name the node.</exception>
    public abstract PciFunction CreateFunction(PciSite site, DeviceTreeNode node);

    /// <summary>Makes the driver that takes such functions over when the machine boots; null, the default, for none.</summary>
    /// <param name="machine">The machine; nothing is bound yet.</param>
    public virtual IDriver? CreateDriver(Machine machine) => null;
}
