namespace Aperture.Core.PageTables.Formats;

/// <summary>Which of the two tables of a context a short-descriptor table is.</summary>
public enum ArmShortHalf
{
    /// <summary>The only one: TTBR0, with TTBCR.N = 0.</summary>
    Whole,

    /// <summary>TTBR0 where TTBCR.N is not zero: the addresses below 2^InputBits.</summary>
    Lower,

    /// <summary>TTBR1: the addresses from 2^InputBits to 2^32.</summary>
    Upper,
}

/// <summary>What kind of short-descriptor tables a unit wants.</summary>
/// <remarks>Source: ARM DDI 0406C B3; MediaTek's extension and which settings go together from recorded library behaviour.</remarks>
public sealed record ArmShortOptions
{
    /// <summary>The page sizes of the architecture: 4 KiB, 64 KiB, 1 MiB and 16 MiB.</summary>
    public const ulong AllPageSizes = 0x0111_1000;

    /// <summary>Bits of an input address: 25 to 32, with <see cref="MediaTek"/> to 34. For the two halves of a split space 25 to 31:
    /// 32 - TTBCR.N.</summary>
    public int InputBits { get; init; } = 32;

    /// <summary>Bits of an output address: up to 32, with <see cref="MediaTek"/> to 35.</summary>
    public int OutputBits { get; init; } = 32;

    /// <summary>The page sizes wanted, one bit each; others than those of <see cref="AllPageSizes"/> are left out.</summary>
    public ulong PageSizes { get; init; } = AllPageSizes;

    /// <summary>Which table of a context it is.</summary>
    public ArmShortHalf Half { get; init; }

    /// <summary>Whether entries hold rights (AP with access flag, XN). Without them everything mapped can be read and written.</summary>
    public bool HasPermissions { get; init; } = true;

    /// <summary>Whether entries carry the non-secure bit: tables and pages lie in non-secure memory.</summary>
    public bool NonSecure { get; init; }

    /// <summary>MediaTek's extension: output address bits 32, 33 and 34 in descriptor bits 9, 4 and 5, input addresses of 34 bits. Needs
    /// tables without permissions, whose bits it takes.</summary>
    public bool MediaTek { get; init; }

    /// <summary>MediaTek's extension for tables too: they may lie above 4 GiB.</summary>
    public bool MediaTekHighTables { get; init; }

    /// <summary>Whether the unit's walks see what is in the CPU's caches.</summary>
    public bool CoherentWalk { get; init; }
}
