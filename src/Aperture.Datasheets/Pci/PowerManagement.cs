namespace Aperture.Datasheets.Pci;

/// <summary>Registers of the power management capability, from its first byte. Source: PCI Bus Power Management Interface Specification
/// 1.2, 3.2.</summary>
public static class PowerManagement
{
    /// <summary>Bytes.</summary>
    public const int Length = 8;

    /// <summary>Capabilities, 16 bits: the version in bits 2..0.</summary>
    public const uint Capabilities = 2;

    /// <summary>The version of specification 1.2.</summary>
    public const ushort Version = 3;

    /// <summary>Control and status, 16 bits.</summary>
    public const uint Control = 4;

    /// <summary>[1:0] of <see cref="Control"/>: the state, 0 for D0 to 3 for D3hot.</summary>
    public const ushort StateMask = 3;

    /// <summary>The state in which only configuration space answers.</summary>
    public const ushort D3Hot = 3;

    /// <summary>[3] of <see cref="Control"/>: going from D3hot to D0 resets nothing; read-only.</summary>
    public const ushort NoSoftReset = 1 << 3;
}
