using Aperture.Devices;
using Aperture.DeviceTrees;
using Aperture.Hardware.Translation;

namespace Aperture.Boards;

/// <summary>An IOMMU of a machine.</summary>
/// <param name="Node">Its node.</param>
/// <param name="Device">What its driver sees.</param>
/// <param name="Model">The silicon.</param>
public sealed record BoardUnit(DeviceTreeNode Node, Device Device, TranslationUnit Model)
{
    /// <summary>The name as Linux gives it.</summary>
    public string Name => Device.Name;
}
