namespace Aperture.Datasheets.Arm;

/// <summary>A first-level descriptor of the short format: one of 4096 words, each for 1 MiB.</summary>
/// <remarks><code>
/// fault         31                                                             2 1 0
///               [ ignored                                                      ] 0 0
/// table         [31:10 second-level table] [9] [8:5 domain] [3 NS] [2 PXN]       0 1
/// section       [31:20 address] [19 NS] [18 = 0] [17 nG] [16 S] [15 AP2] [14:12 TEX] [11:10 AP1:0] [8:5 domain] [4 XN] [3 C] [2 B] 1 PXN
/// supersection  [31:24 address] [19 NS] [18 = 1] [17 nG] [16 S] [15 AP2] [14:12 TEX] [11:10 AP1:0] [4 XN] [3 C] [2 B] 1 PXN   16 times
/// </code>
/// Where PXN does not exist, a section with bit 0 set faults. Source: ARM DDI 0406, B3.5.</remarks>
/// <param name="Bits">The word.</param>
public readonly record struct ArmFirstLevelDescriptor(uint Bits)
{
    /// <summary>Log2 of the bytes that a descriptor covers.</summary>
    public const int CoverShift = 20;

    /// <summary>Log2 of the bytes of a supersection.</summary>
    public const int SupersectionShift = 24;

    /// <summary>Number of descriptors, for 32-bit addresses.</summary>
    public const int Count = 4096;

    /// <summary>Whether it leads to a second-level table.</summary>
    public bool IsTable => (Bits & 3) == 1;

    /// <summary>Whether it maps a section or supersection, bit 0 not looked at.</summary>
    public bool IsSection => (Bits & 2) != 0;

    /// <summary>Whether a section is a supersection.</summary>
    public bool IsSupersection => (Bits & (1 << 18)) != 0;

    /// <summary>Whether a section may not be executed by privileged code.</summary>
    public bool IsPrivilegedExecuteNever => (Bits & 1) != 0;

    /// <summary>Address of the second-level table, 1 KiB aligned.</summary>
    public uint Table => Bits & 0xFFFF_FC00;

    /// <summary>Log2 of the bytes that a section maps.</summary>
    public int Shift => IsSupersection ? SupersectionShift : CoverShift;

    /// <summary>First byte of what a section maps; extended addresses of supersections are not formed.</summary>
    public uint Address => Bits & (uint.MaxValue << Shift);

    /// <summary>The attributes of a section.</summary>
    public ArmPageAttributes Attributes => new(
        (Bits >> 10 & 3) | (Bits >> 13 & 4)                     // AP
        | (Bits >> 12 & 7) << 3                                 // TEX
        | (Bits & 0xC) << 4                                     // C, B
        | (Bits & 0x10) << 4                                    // XN
        | (Bits >> 7 & 0x600)                                   // nG, S
        | (Bits >> 8 & 0x800));                                 // NS

    /// <summary>The descriptor with its access flag (AP[0] of a section) set.</summary>
    public ArmFirstLevelDescriptor Accessed => new(Bits | (1 << 10));
}
