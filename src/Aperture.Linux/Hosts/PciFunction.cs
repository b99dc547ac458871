using System.Globalization;

namespace Aperture.Linux.Hosts;

/// <summary>A PCI function as the kernel lists it.</summary>
/// <param name="Address">Domain, bus, device and function, for example <c>0000:00:04.0</c>.</param>
/// <param name="Vendor">Who made it.</param>
/// <param name="Device">What it is, by its maker's number.</param>
/// <param name="Class">Class code, 24 bits.</param>
/// <param name="Driver">The kernel driver that is bound, or null.</param>
/// <param name="Override">The driver that the kernel was told to bind, whatever the ids say; null for none.</param>
/// <param name="Group">Number of its IOMMU group, null without one. In the kernel's no-IOMMU mode a group is made up: see
/// <see cref="IsNoIommu"/>.</param>
/// <param name="Iommu">What kind of IOMMU is in front of it.</param>
public sealed record PciFunction(
    string Address, ushort Vendor, ushort Device, uint Class, string? Driver, string? Override, int? Group, IommuKind Iommu)
{
    /// <summary>Whether it is in the hands of VFIO.</summary>
    public bool IsVfio => Driver == LinuxHost.VfioDriver;

    /// <summary>Whether it is in the hands of VFIO without an IOMMU, in the kernel's no-IOMMU mode: nothing confines it.</summary>
    public bool IsNoIommu => Group is not null && Iommu == IommuKind.None;

    /// <summary>What whoever uses it must know: that nothing confines it, where that is so; else null.</summary>
    public string? Warning => IsNoIommu ? NoIommuMode.RiskOf(Address) : null;

    /// <summary>Whether it is a bridge: those stay with their driver.</summary>
    public bool IsBridge => Class >> 16 == 6;

    /// <summary>Address and ids.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Address} {Vendor:x4}:{Device:x4}");
}
