namespace Aperture.Datasheets.Pci;

/// <summary>Registers of address translation services, from the capability's first byte. Source: PCI Express Base Specification,
/// 10.5.1.</summary>
public static class AtsRegisters
{
    /// <summary>Bytes.</summary>
    public const int Length = 8;

    /// <summary>Capabilities, 16 bits: how many invalidations the function takes at once in bits 4..0, 0 for 32.</summary>
    public const uint Capabilities = 4;

    /// <summary>[5] of <see cref="Capabilities"/>: translation requests are for whole pages of 4 KiB.</summary>
    public const ushort PageAligned = 1 << 5;

    /// <summary>Control, 16 bits: the smallest translation unit in bits 4..0, as the logarithm of pages of 4 KiB.</summary>
    public const uint Control = 6;

    /// <summary>[15] of <see cref="Control"/>: the function may cache translations.</summary>
    public const ushort Enable = 1 << 15;

    /// <summary>The bits of <see cref="Control"/> that hold the smallest translation unit.</summary>
    public const ushort UnitMask = 0x1F;
}
