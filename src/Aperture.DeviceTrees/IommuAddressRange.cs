namespace Aperture.DeviceTrees;

/// <summary>An entry of <c>iommu-addresses</c>: device addresses that a region of reserved memory keeps for a device.</summary>
/// <param name="Phandle">The device's phandle as written.</param>
/// <param name="Device">The device; null when no node has that phandle. Its addresses cannot be read then, and it is the last
/// entry.</param>
/// <param name="First">The first device address.</param>
/// <param name="Size">Bytes; zero reserves nothing.</param>
/// <param name="IsCut">Whether the property ends within the entry, or its addresses are of no known width; it is the last one then.</param>
public readonly record struct IommuAddressRange(uint Phandle, DeviceTreeNode? Device, ulong First, ulong Size, bool IsCut)
{
    /// <summary>Whether the entry can be used.</summary>
    public bool IsValid => Device is not null && !IsCut && (Size == 0 || Size - 1 <= ulong.MaxValue - First);

    /// <summary>The last device address; only of a valid entry with a size.</summary>
    public ulong Last => First + (Size - 1);
}
