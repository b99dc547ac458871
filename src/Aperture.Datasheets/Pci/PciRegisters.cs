namespace Aperture.Datasheets.Pci;

/// <summary>Byte offsets of the registers of configuration space that every function has, and those of functions that are no bridge
/// (header type 0). Source: PCI Local Bus Specification 3.0, 6.1 and 6.2.</summary>
public static class PciRegisters
{
    /// <summary>Bytes of a function's configuration space on PCI Express.</summary>
    public const int Size = 4096;

    /// <summary>Bytes of it that conventional PCI has; extended capabilities begin behind them.</summary>
    public const int LegacySize = 256;

    /// <summary>Vendor ID, 16 bits; all ones where there is no function.</summary>
    public const uint Vendor = 0x00;

    /// <summary>Device ID, 16 bits.</summary>
    public const uint Device = 0x02;

    /// <summary>Command, 16 bits: see <see cref="PciCommand"/>.</summary>
    public const uint Command = 0x04;

    /// <summary>Status, 16 bits: see <see cref="PciStatus"/>.</summary>
    public const uint Status = 0x06;

    /// <summary>Revision, 8 bits, with the class code in the 24 bits above.</summary>
    public const uint Revision = 0x08;

    /// <summary>Cache line size, 8 bits: software's, without effect on PCI Express.</summary>
    public const uint CacheLine = 0x0C;

    /// <summary>Header type, 8 bits: the layout in bits 6..0, and <see cref="MultiFunction"/>.</summary>
    public const uint HeaderType = 0x0E;

    /// <summary>The first base address register, 32 bits; see <see cref="BaseAddress"/>.</summary>
    public const uint Bar0 = 0x10;

    /// <summary>Base address registers of a function that is no bridge.</summary>
    public const int Bars = 6;

    /// <summary>Subsystem vendor ID, 16 bits.</summary>
    public const uint SubsystemVendor = 0x2C;

    /// <summary>Subsystem ID, 16 bits.</summary>
    public const uint Subsystem = 0x2E;

    /// <summary>Offset of the first capability, 8 bits.</summary>
    public const uint Capabilities = 0x34;

    /// <summary>Interrupt line, 8 bits: software's.</summary>
    public const uint InterruptLine = 0x3C;

    /// <summary>Interrupt pin, 8 bits: 0 for none, 1 to 4 for INTA to INTD.</summary>
    public const uint InterruptPin = 0x3D;

    /// <summary>Where capabilities begin at the earliest.</summary>
    public const uint FirstCapability = 0x40;

    /// <summary>Where extended capabilities begin.</summary>
    public const uint FirstExtendedCapability = 0x100;

    /// <summary>The header type of a function that is no bridge.</summary>
    public const byte EndpointHeader = 0;

    /// <summary>The header type of a bridge: see <see cref="BridgeRegisters"/>.</summary>
    public const byte BridgeHeader = 1;

    /// <summary>The bits of <see cref="HeaderType"/> that say which layout.</summary>
    public const byte HeaderMask = 0x7F;

    /// <summary>Bit 7 of <see cref="HeaderType"/>: the device has more functions than number 0.</summary>
    public const byte MultiFunction = 0x80;

    /// <summary>What reads as <see cref="Vendor"/> where nobody is.</summary>
    public const ushort NoVendor = 0xFFFF;
}
