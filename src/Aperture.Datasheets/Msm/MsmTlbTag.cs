namespace Aperture.Datasheets.Msm;

/// <summary>TLBTR2: the tag of a TLB entry; its VMID is in TLBTR1.</summary>
/// <remarks><code>
/// 31:12    10  9      8  7:0
/// address  NV  NSTID  V  ASID
/// </code></remarks>
/// <param name="Bits">The register.</param>
public readonly record struct MsmTlbTag(uint Bits)
{
    private const uint ValidBit = 1u << 8;

    /// <summary>Whether the entry is valid.</summary>
    public bool IsValid => (Bits & ValidBit) != 0;

    /// <summary>The ASID.</summary>
    public uint Asid => Bits & 0xFF;

    /// <summary>The page.</summary>
    public uint Page => Bits & 0xFFFF_F000;

    /// <summary>The tag of a valid entry.</summary>
    public static MsmTlbTag Of(uint page, uint asid) => new((page & 0xFFFF_F000) | ValidBit | (asid & 0xFF));
}
