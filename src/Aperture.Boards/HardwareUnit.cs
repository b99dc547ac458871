using Aperture.DeviceTrees;
using Aperture.Hardware.Translation;

namespace Aperture.Boards;

/// <summary>An IOMMU of a board without software.</summary>
/// <param name="Node">Its node.</param>
/// <param name="Model">Its model.</param>
/// <param name="Blocks">Its registers, in the order of the node's windows.</param>
public sealed record HardwareUnit(DeviceTreeNode Node, TranslationUnit Model, IReadOnlyList<HardwareBlock> Blocks);
