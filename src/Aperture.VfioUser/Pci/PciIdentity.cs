using Aperture.Core;

namespace Aperture.VfioUser;

/// <summary>What a PCI function says of itself.</summary>
/// <param name="Vendor">Vendor ID.</param>
/// <param name="Device">Device ID.</param>
public sealed record PciIdentity(ushort Vendor, ushort Device)
{
    /// <summary>A block of a chip, for guests whose device tree has it at a fixed address: nobody looks for it on PCI. The IDs are of no
    /// vendor (0x1234 is that of QEMU's own examples).</summary>
    public static PciIdentity PlatformBlock { get; } = new(0x1234, 0xA9E7) { ClassCode = 0xFF0000 };

    /// <summary>Class, subclass and interface, 24 bits. Default: 0xFF0000, no class.</summary>
    public uint ClassCode { get; init; } = 0xFF0000;

    /// <summary>Revision.</summary>
    public byte Revision { get; init; }

    /// <summary>Vendor ID of the subsystem; that of the device unless said otherwise.</summary>
    public ushort SubsystemVendor { get; init; } = Vendor;

    /// <summary>Device ID of the subsystem; that of the device unless said otherwise.</summary>
    public ushort SubsystemDevice { get; init; } = Device;

    /// <summary>The interrupt pin: 1 to 4 for INTA to INTD, 0 for none. Default: 1.</summary>
    public byte InterruptPin { get; init; } = 1;

    /// <summary>Vectors of MSI-X, 0 to 256; 0, the default, for none. Their table takes the first free BAR.</summary>
    public int Vectors { get; init; }

    internal void Validate()
    {
        if (InterruptPin > 4 || Vectors is < 0 or > MsixTable.MaxVectors || ClassCode > 0xFFFFFF)
        {
            throw new ApertureException(Status.InvalidArgument,
                $"there is no PCI function with class 0x{ClassCode:x}, pin {InterruptPin} and {Vectors} vectors");
        }
    }
}
