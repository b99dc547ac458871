namespace Aperture.Datasheets.Pci;

/// <summary>Byte offsets of the registers of bridges (header type 1), where they differ from <see cref="PciRegisters"/>. Source: PCI-to-PCI
/// Bridge Architecture Specification 1.2, chapter 3.</summary>
public static class BridgeRegisters
{
    /// <summary>Base address registers of a bridge.</summary>
    public const int Bars = 2;

    /// <summary>The bus on which the bridge is, 8 bits; without effect on PCI Express.</summary>
    public const uint PrimaryBus = 0x18;

    /// <summary>The bus right behind it, 8 bits.</summary>
    public const uint SecondaryBus = 0x19;

    /// <summary>The last bus behind it, 8 bits.</summary>
    public const uint SubordinateBus = 0x1A;

    /// <summary>The first of its I/O addresses, 8 bits.</summary>
    public const uint IoBase = 0x1C;

    /// <summary>The last of its I/O addresses, 8 bits.</summary>
    public const uint IoLimit = 0x1D;

    /// <summary>Secondary status, 16 bits.</summary>
    public const uint SecondaryStatus = 0x1E;

    /// <summary>The first MiB of its memory window, 16 bits: address bits 31..20 in bits 15..4.</summary>
    public const uint MemoryBase = 0x20;

    /// <summary>The last MiB of it, as <see cref="MemoryBase"/>; below the base for no window.</summary>
    public const uint MemoryLimit = 0x22;

    /// <summary>The first MiB of its prefetchable window, as <see cref="MemoryBase"/>; bit 0 says that there are upper halves.</summary>
    public const uint PrefetchableBase = 0x24;

    /// <summary>The last MiB of it.</summary>
    public const uint PrefetchableLimit = 0x26;

    /// <summary>Address bits 63..32 of <see cref="PrefetchableBase"/>.</summary>
    public const uint PrefetchableUpperBase = 0x28;

    /// <summary>Address bits 63..32 of <see cref="PrefetchableLimit"/>.</summary>
    public const uint PrefetchableUpperLimit = 0x2C;

    /// <summary>Bridge control, 16 bits.</summary>
    public const uint Control = 0x3E;

    /// <summary>[6] of <see cref="Control"/>: everything behind the bridge is in reset.</summary>
    public const ushort SecondaryReset = 1 << 6;

    /// <summary>Bytes by which windows are counted.</summary>
    public const uint WindowGrain = 1 << 20;

    /// <summary>Bits 15..4 of a window's register.</summary>
    public const ushort WindowMask = 0xFFF0;

    /// <summary>The class code of a bridge between PCI buses.</summary>
    public const uint ClassCode = 0x06_04_00;
}
