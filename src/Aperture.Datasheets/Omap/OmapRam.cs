namespace Aperture.Datasheets.Omap;

/// <summary>A RAM word: the half of a TLB entry that says where the page is. Registers RAM and READ_RAM.</summary>
/// <remarks><code>
/// 31            12 11 10  9          8         7  6     5      0
/// [physicaladdress][    ] [endianness][elementsize][mixed][reserved]
/// </code></remarks>
/// <param name="Bits">The word.</param>
public readonly record struct OmapRam(uint Bits)
{
    /// <summary>Physical address.</summary>
    public const uint AddressMask = 0xFFFFF000;

    /// <summary>Endianness, element size and mixed.</summary>
    public const uint AttributeMask = 0x3C0;

    /// <summary>PHYSICALADDRESS, bits 31:12.</summary>
    public uint Address => Bits & AddressMask;

    /// <summary>ENDIANNESS: big endian.</summary>
    public bool IsBigEndian => (Bits & 0x200) != 0;

    /// <summary>ELEMENTSIZE: 0 = 8 bits, 1 = 16, 2 = 32, 3 = no conversion.</summary>
    public uint ElementSize => (Bits >> 7) & 3;

    /// <summary>MIXED: use the element size of the access, not that of the entry.</summary>
    public bool IsMixed => (Bits & 0x40) != 0;
}
