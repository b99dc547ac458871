using Aperture.Boards.Checking;
using Aperture.Conformance.Drivers;
using Aperture.Core;
using Aperture.DeviceTrees;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Boards.Units;

/// <summary>A kind of IOMMU, all that a board has to know of it: how trees name it and what the binding says, its model and how that is
/// wired, its driver, and the family that replays recordings of it. The machine, the tree checker and the replay ask nobody else.</summary>
/// <remarks>One object stands for all units of the kind. It keeps nothing about a machine: what a unit needs comes with its
/// <see cref="UnitSite"/>. Give a kind of your own to <see cref="MachineOptions.Units"/>, and to the checker and the replay, if those
/// are to know it, too.</remarks>
public abstract class UnitKind
{
    /// <summary>The most bytes of registers that a block takes of which nobody says more.</summary>
    public const ulong UsualLargestWindow = 0x1_0000;

    /// <summary>What the bindings say, one entry for each <c>compatible</c> string, without a <c>*</c>. The first string of a node that has
    /// an entry decides which it is.</summary>
    public abstract IReadOnlyList<UnitBinding> Bindings { get; }

    /// <summary>Whether the unit's driver provides the clocks, resets and domains that others get from the unit's node, rather than the
    /// board.</summary>
    public virtual bool ProvidesGates => false;

    /// <summary>What replays recordings of such units; null where there are none.</summary>
    public virtual DriverFamily? Conformance => null;

    /// <summary>The fewest bytes of registers, in the node's first window, that the unit of a node can be driven with.</summary>
    public virtual ulong SmallestWindow(DeviceTreeNode node) => sizeof(uint);

    /// <summary>The most bytes of registers, in the node's first window, that the unit of a node has.</summary>
    public virtual ulong LargestWindow(DeviceTreeNode node) => UsualLargestWindow;

    /// <summary>Makes the model of a unit and wires what is special to it: interrupt lines beyond the first, further register blocks. The
    /// machine puts the model at the node's first register window, connects its first interrupt, and gives it clocks, resets and
    /// power.</summary>
    /// <param name="site">Where the unit stands; its window is between the smallest and the largest.</param>
    /// <exception cref="ApertureException">The node describes no such unit. The message need not name the node.</exception>
    public abstract TranslationUnit CreateModel(UnitSite site);

    /// <summary>Makes the driver that takes over the units of this kind; it serves every string of <see cref="Bindings"/>.</summary>
    /// <param name="machine">The machine, with its IOMMU core, driver core and clock; its units and masters are not all there yet.</param>
    public abstract IIommuDriver CreateDriver(Machine machine);

    /// <summary>Says what is wrong with a unit's node that no rule for all kinds sees.</summary>
    public virtual void Check(UnitCheck check)
    {
    }
}
