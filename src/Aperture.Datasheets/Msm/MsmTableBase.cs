namespace Aperture.Datasheets.Msm;

/// <summary>TTBR0 and TTBR1 of a context bank.</summary>
/// <remarks><code>
/// 31:14 (lower with TTBCR.N)  6        5    4:3   1  0
/// table                       IRGN[0]  NOS  ORGN  S  IRGN[1]
/// </code>
/// The low bits are the memory attributes of the walker's reads.</remarks>
/// <param name="Bits">The register.</param>
public readonly record struct MsmTableBase(uint Bits)
{
    /// <summary>S: walks are shareable.</summary>
    public const uint ShareableBit = 1u << 1;

    /// <summary>The table without its attributes, as 16 KiB aligned.</summary>
    public uint Table => Bits & 0xFFFF_C000;

    /// <summary>A table that is read past the CPU's caches, as drivers set it.</summary>
    public static MsmTableBase NonCached(uint table) => new(table | ShareableBit);
}
