using Aperture.Core;

namespace Aperture.Hardware.Pci;

/// <summary>What a function says of itself.</summary>
/// <param name="Vendor">Vendor ID; not 0xFFFF.</param>
/// <param name="Device">Device ID.</param>
public sealed record PciIdentity(ushort Vendor, ushort Device)
{
    /// <summary>Class, subclass and interface, 24 bits. Default: 0xFF0000, no class.</summary>
    public uint ClassCode { get; init; } = 0xFF0000;

    /// <summary>Revision.</summary>
    public byte Revision { get; init; }

    /// <summary>Vendor ID of the subsystem; that of the device unless said otherwise.</summary>
    public ushort SubsystemVendor { get; init; } = Vendor;

    /// <summary>Device ID of the subsystem; that of the device unless said otherwise.</summary>
    public ushort SubsystemDevice { get; init; } = Device;

    /// <summary>Whether a function can say that.</summary>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: it cannot.</exception>
    internal void Validate()
    {
        if (Vendor == ushort.MaxValue || ClassCode > 0xFF_FFFF)
        {
            throw new ApertureException(
                Status.InvalidArgument, $"there is no PCI function of vendor 0x{Vendor:x} with class 0x{ClassCode:x}");
        }
    }
}
