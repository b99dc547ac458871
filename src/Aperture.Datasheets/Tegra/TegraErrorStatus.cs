namespace Aperture.Datasheets.Tegra;

/// <summary>MC_ERR_STATUS and its likes: what is known of an access that was refused.</summary>
/// <remarks><code>
/// 31 30  28 27 26 25 24 22 21    20 19 18 17  16  15  8 7      0
/// | | TYPE | R| W|NS|     | ADR 33:32 |   | S | WR |    | CLIENT |   (client: 7 bits before Tegra210)
/// </code>R, W and NS: whether the descriptor is readable, writable, non-secure; of account for translation faults only.</remarks>
/// <param name="Value">The register.</param>
public readonly record struct TegraErrorStatus(uint Value)
{
    /// <summary>Bit 16: the access is a write.</summary>
    public const uint WriteBit = 1u << 16;

    /// <summary>Bit 17: the access is secure.</summary>
    public const uint SecureBit = 1u << 17;

    private const int AddressHighShift = 20;
    private const int AttributeShift = 25; // NS, W and R, in the order of bits 29 to 31 of a descriptor
    private const int KindShift = 28;

    /// <summary>A status word.</summary>
    /// <param name="kind">What was wrong.</param>
    /// <param name="client">The client.</param>
    /// <param name="isWrite">Whether it is a write.</param>
    /// <param name="isSecure">Whether it is secure.</param>
    /// <param name="address">The address, of which the word holds bits 33:32.</param>
    /// <param name="descriptor">The descriptor that refused it, whose rights the word holds.</param>
    public static TegraErrorStatus Of(TegraErrorKind kind, uint client, bool isWrite, bool isSecure, ulong address,
        TegraDescriptor descriptor) => new(
        client | (isWrite ? WriteBit : 0) | (isSecure ? SecureBit : 0) | ((uint)(address >> 32) & 3) << AddressHighShift
        | (descriptor.Value >> 29) << AttributeShift | (uint)kind << KindShift);

    /// <summary>The client.</summary>
    /// <param name="mask">The bits that an SoC has, see <see cref="TegraSoc.ClientMask"/>.</param>
    public uint Client(uint mask) => Value & mask;

    /// <summary>Whether the access is a write.</summary>
    public bool IsWrite => (Value & WriteBit) != 0;

    /// <summary>Whether the access is secure.</summary>
    public bool IsSecure => (Value & SecureBit) != 0;

    /// <summary>Bits 33:32 of the address, in their place.</summary>
    public ulong AddressHigh => (ulong)((Value >> AddressHighShift) & 3) << 32;

    /// <summary>The rights of the descriptor that refused it, and nothing else of it.</summary>
    public TegraDescriptor Descriptor => new((Value >> AttributeShift) << 29);

    /// <summary>What was wrong.</summary>
    public TegraErrorKind Kind => (TegraErrorKind)((Value >> KindShift) & 7);
}
