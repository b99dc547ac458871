using System.Runtime.CompilerServices;

namespace Aperture.Datasheets.Arm;

/// <summary>TTBCR of the short format: which of the two tables serves an address.</summary>
/// <remarks><code>
/// 31      6   5    4   3 2:0
/// [       ]  PD1  PD0  -  N
/// </code>
/// Source: ARM DDI 0406, B3.5.4.</remarks>
/// <param name="Bits">The register.</param>
public readonly record struct ArmTableControl(uint Bits)
{
    /// <summary>PD0: no walks by TTBR0.</summary>
    public const uint Disable0Bit = 1 << 4;

    /// <summary>PD1: no walks by TTBR1.</summary>
    public const uint Disable1Bit = 1 << 5;

    /// <summary>N: the table of TTBR0 covers the addresses whose N top bits are zero, and has 16 KiB >> N.</summary>
    public int Split => (int)(Bits & 7);

    /// <summary>Whether TTBR1 serves an address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsUpper(uint address) => Split != 0 && address >> (32 - Split) != 0;

    /// <summary>Whether the table of an address may not be walked.</summary>
    public bool IsDisabled(bool isUpper) => (Bits & (isUpper ? Disable1Bit : Disable0Bit)) != 0;

    /// <summary>The table's address in a TTBR: aligned to the size that N gives it, that of TTBR1 always to 16 KiB.</summary>
    public uint Table(uint tableBase, bool isUpper) => tableBase & (uint.MaxValue << (14 - (isUpper ? 0 : Split)));
}
