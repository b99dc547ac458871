using Aperture.Devices;

namespace Aperture.Drivers.Rockchip;

/// <summary>What the registers of a Rockchip IOMMU do not tell.</summary>
/// <param name="IsWide">Version 2, with 40 address bits.</param>
/// <param name="KeepsReset">The unit must not be reset: another block would be reset with it.</param>
/// <param name="TableBits">Page tables lie below 2^this; see <see cref="Aperture.Core.PageTables.Formats.RockchipFormat"/>.</param>
public sealed record RockchipIommuDescription(bool IsWide = false, bool KeepsReset = false, int TableBits = 32)
{
    /// <summary>The name of version 2.</summary>
    internal const string WideCompatible = "rockchip,rk3568-iommu";

    /// <summary>What a device's own description says.</summary>
    public static RockchipIommuDescription Read(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return new(device.Description.Compatible.Contains(WideCompatible), device.Node?.Has("rockchip,disable-mmu-reset") ?? false);
    }
}
