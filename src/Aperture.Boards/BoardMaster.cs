using Aperture.Devices;
using Aperture.DeviceTrees;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;

namespace Aperture.Boards;

/// <summary>A device of a tree that does DMA through IOMMUs.</summary>
/// <param name="Node">Its node.</param>
/// <param name="Units">The names of the units that its description refers to, each once.</param>
/// <param name="Ids">The stream numbers in the description, in its order; none for units with a single master.</param>
public sealed record BoardMaster(DeviceTreeNode Node, IReadOnlyList<string> Units, IReadOnlyList<uint> Ids)
{
    /// <summary>The name as Linux gives it.</summary>
    public string Name => Node.DeviceName;

    /// <summary>Why the machine has no such device; null when it has.</summary>
    public string? Skipped { get; init; }

    /// <summary>What its driver sees; null when it was skipped.</summary>
    public Device? Device { get; init; }

    /// <summary>The generic DMA master that stands behind the node; null when it was skipped.</summary>
    public DmaMaster? Model { get; init; }

    /// <summary>The model of what the node really is, for its own driver; null where there is none.</summary>
    public MasterDevice? Client { get; init; }

    /// <summary>Its ports to memory, one for each unit and each number by which the unit knows it.</summary>
    public IReadOnlyList<DmaPort> Ports { get; init; } = [];
}
