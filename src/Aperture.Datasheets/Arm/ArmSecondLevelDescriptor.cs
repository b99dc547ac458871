namespace Aperture.Datasheets.Arm;

/// <summary>A second-level descriptor of the short format: one of 256 words, each for 4 KiB; a 64 KiB page repeats its word 16
/// times.</summary>
/// <remarks><code>
/// fault       [ ignored                                                                              ] 0 0
/// large page  [31:16 address] [15 XN] [14:12 TEX] [11 nG] [10 S] [9 AP2] [5:4 AP1:0] [3 C] [2 B]       0 1
/// small page  [31:12 address] [11 nG] [10 S] [9 AP2] [8:6 TEX] [5:4 AP1:0] [3 C] [2 B]                 1 XN
/// </code>
/// Source: ARM DDI 0406, B3.5.</remarks>
/// <param name="Bits">The word.</param>
public readonly record struct ArmSecondLevelDescriptor(uint Bits)
{
    /// <summary>Log2 of the bytes that a descriptor covers.</summary>
    public const int CoverShift = 12;

    /// <summary>Log2 of the bytes of a large page.</summary>
    public const int LargeShift = 16;

    /// <summary>Number of descriptors.</summary>
    public const int Count = 256;

    /// <summary>Whether nothing is mapped.</summary>
    public bool IsFault => (Bits & 3) == 0;

    /// <summary>Whether it is part of a 64 KiB page.</summary>
    public bool IsLarge => (Bits & 3) == 1;

    /// <summary>Log2 of the bytes that it maps.</summary>
    public int Shift => IsLarge ? LargeShift : CoverShift;

    /// <summary>First byte of the page.</summary>
    public uint Address => Bits & (uint.MaxValue << Shift);

    /// <summary>The attributes of a page.</summary>
    public ArmPageAttributes Attributes => new(
        (Bits >> 4 & 3) | (Bits >> 7 & 4)                       // AP
        | ((IsLarge ? Bits >> 12 : Bits >> 6) & 7) << 3         // TEX
        | (Bits & 0xC) << 4                                     // C, B
        | ((IsLarge ? Bits >> 15 : Bits) & 1) << 8              // XN
        | (Bits >> 1 & 0x600));                                 // nG, S

    /// <summary>The descriptor with its access flag (AP[0]) set.</summary>
    public ArmSecondLevelDescriptor Accessed => new(Bits | (1 << 4));
}
