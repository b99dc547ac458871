namespace Aperture.Datasheets.Pci;

/// <summary>Registers of the MSI capability in its form with 64 address bits and a mask for each vector, from its first byte. Source: PCI
/// Local Bus Specification 3.0, 6.8.1.</summary>
public static class MsiRegisters
{
    /// <summary>Bytes.</summary>
    public const int Length = 24;

    /// <summary>Vectors at most.</summary>
    public const int MostVectors = 32;

    /// <summary>Message control, 16 bits: see <see cref="MsiControl"/>.</summary>
    public const uint Control = 2;

    /// <summary>The lower half of the message's address, 32 bits; a multiple of 4.</summary>
    public const uint Address = 4;

    /// <summary>The upper half of it; only where <see cref="MsiControl.IsWide"/>.</summary>
    public const uint UpperAddress = 8;

    /// <summary>What is written, 16 bits, with 64 address bits; the vector's number is put into its low bits.</summary>
    public const uint Data = 12;

    /// <summary>What is written, 16 bits, with 32 address bits.</summary>
    public const uint NarrowData = 8;

    /// <summary>Which vectors are masked, 32 bits, with 64 address bits.</summary>
    public const uint Mask = 16;

    /// <summary>Which vectors are pending, 32 bits, read-only.</summary>
    public const uint Pending = 20;
}

/// <summary>Message control of MSI.</summary>
/// <remarks><code>
///     8         7       6      4 3       1    0
/// [ mask ][ 64 bits ][ enabled ][ capable ][ on ]
/// </code>Numbers of vectors are logarithms. Source: PCI Local Bus Specification 3.0, 6.8.1.3.</remarks>
/// <param name="Value">The register.</param>
public readonly record struct MsiControl(ushort Value)
{
    /// <summary>[0] Messages are sent, and the INTx line is not driven.</summary>
    public const ushort Enable = 1 << 0;

    /// <summary>[6:4] how many vectors software uses.</summary>
    public const ushort EnabledMask = 7 << 4;

    /// <summary>[7] 64 address bits.</summary>
    public const ushort Wide = 1 << 7;

    /// <summary>[8] A mask for each vector.</summary>
    public const ushort PerVectorMask = 1 << 8;

    /// <summary>Whether messages are sent.</summary>
    public bool IsEnabled => (Value & Enable) != 0;

    /// <summary>How many vectors there are: 1 to 32.</summary>
    public int Vectors => 1 << Math.Min(Value >> 1 & 7, 5);

    /// <summary>How many vectors software uses: 1 to 32.</summary>
    public int EnabledVectors => 1 << Math.Min(Value >> 4 & 7, 5);

    /// <summary>Whether there are 64 address bits.</summary>
    public bool IsWide => (Value & Wide) != 0;

    /// <summary>Whether each vector has a mask.</summary>
    public bool HasMasks => (Value & PerVectorMask) != 0;
}
