namespace Aperture.Datasheets.Pci;

/// <summary>Registers of the MSI-X capability, from its first byte, and of a table's entry. Source: PCI Local Bus Specification 3.0,
/// 6.8.2.</summary>
public static class MsixRegisters
{
    /// <summary>Bytes.</summary>
    public const int Length = 12;

    /// <summary>Vectors at most.</summary>
    public const int MostVectors = 2048;

    /// <summary>Message control, 16 bits: see <see cref="MsixControl"/>.</summary>
    public const uint Control = 2;

    /// <summary>Where the table is, 32 bits: the BAR in bits 2..0, the offset in the others.</summary>
    public const uint Table = 4;

    /// <summary>Where the pending bits are, 32 bits, as <see cref="Table"/>.</summary>
    public const uint Pending = 8;

    /// <summary>The bits of <see cref="Table"/> and <see cref="Pending"/> that say which BAR.</summary>
    public const uint BarMask = 7;

    /// <summary>Bytes of an entry of the table.</summary>
    public const uint EntryLength = 16;

    /// <summary>The lower half of the message's address in an entry; a multiple of 4.</summary>
    public const uint Address = 0;

    /// <summary>The upper half of it.</summary>
    public const uint UpperAddress = 4;

    /// <summary>What is written, 32 bits.</summary>
    public const uint Data = 8;

    /// <summary>Vector control: see <see cref="EntryMasked"/>.</summary>
    public const uint EntryControl = 12;

    /// <summary>[0] of <see cref="EntryControl"/>: the vector is masked, as it is after a reset.</summary>
    public const uint EntryMasked = 1;
}

/// <summary>Message control of MSI-X.</summary>
/// <remarks><code>
///   15     14     10        0
/// [ on ][ mask ][ vectors - 1 ]
/// </code>Source: PCI Local Bus Specification 3.0, 6.8.2.3.</remarks>
/// <param name="Value">The register.</param>
public readonly record struct MsixControl(ushort Value)
{
    /// <summary>[15] Messages are sent, and the INTx line is not driven.</summary>
    public const ushort Enable = 1 << 15;

    /// <summary>[14] All vectors are masked.</summary>
    public const ushort MaskAll = 1 << 14;

    /// <summary>Whether messages are sent.</summary>
    public bool IsEnabled => (Value & Enable) != 0;

    /// <summary>Whether all vectors are masked.</summary>
    public bool IsMasked => (Value & MaskAll) != 0;

    /// <summary>How many vectors there are: 1 to 2048.</summary>
    public int Vectors => (Value & 0x7FF) + 1;
}
