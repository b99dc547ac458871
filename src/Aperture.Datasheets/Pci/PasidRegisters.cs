namespace Aperture.Datasheets.Pci;

/// <summary>Registers of process address space ids, from the capability's first byte. Source: PCI Express Base Specification,
/// 7.8.9.</summary>
public static class PasidRegisters
{
    /// <summary>Bytes.</summary>
    public const int Length = 8;

    /// <summary>Capabilities, 16 bits: <see cref="Execute"/>, <see cref="Privileged"/>, and how many bits ids have in bits 12..8.</summary>
    public const uint Capabilities = 4;

    /// <summary>Control, 16 bits: <see cref="Enable"/>, <see cref="Execute"/>, <see cref="Privileged"/>.</summary>
    public const uint Control = 6;

    /// <summary>[0] of <see cref="Control"/>: accesses may carry ids.</summary>
    public const ushort Enable = 1 << 0;

    /// <summary>[1] Accesses may say that they fetch instructions.</summary>
    public const ushort Execute = 1 << 1;

    /// <summary>[2] Accesses may say that they are privileged.</summary>
    public const ushort Privileged = 1 << 2;

    /// <summary>How many bits ids have, 0 to 20, in <see cref="Capabilities"/>.</summary>
    public static int WidthOf(ushort capabilities) => Math.Min(capabilities >> 8 & 0x1F, 20);
}
