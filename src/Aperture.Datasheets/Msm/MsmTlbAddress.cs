namespace Aperture.Datasheets.Msm;

/// <summary>TLBIVA, and without the ASID TLBIVAA and the translation operations.</summary>
/// <remarks><code>
/// 31:12    7:0
/// address  ASID
/// </code></remarks>
/// <param name="Bits">The register.</param>
public readonly record struct MsmTlbAddress(uint Bits)
{
    /// <summary>The page.</summary>
    public uint Page => Bits & 0xFFFF_F000;

    /// <summary>The ASID.</summary>
    public uint Asid => Bits & 0xFF;

    /// <summary>A page of an ASID.</summary>
    public static MsmTlbAddress Of(uint address, uint asid) => new((address & 0xFFFF_F000) | (asid & 0xFF));
}
