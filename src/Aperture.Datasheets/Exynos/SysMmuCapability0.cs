namespace Aperture.Datasheets.Exynos;

/// <summary>CAPA0 of version 7 (source: vendor driver register lists).</summary>
/// <remarks><code>
/// 31  16 15      12 11              8 7     0
/// |  -  | LOG2 SBB | [11] HAS CAPA1  | WAYS |     (older units: 11:8 sets)
/// </code></remarks>
/// <param name="Value">The register.</param>
public readonly record struct SysMmuCapability0(uint Value)
{
    /// <summary>Bit 11: CAPA1 exists.</summary>
    public const uint HasCapability1Bit = 1u << 11;

    /// <summary>Whether CAPA1 exists.</summary>
    public bool HasCapability1 => (Value & HasCapability1Bit) != 0;

    /// <summary>Ways of the TLB; zero where not told.</summary>
    public uint TlbWays => Value & 0xFF;

    /// <summary>Entries of the second-level TLB (SBB); zero when the field is zero.</summary>
    public uint SecondTlbEntries => ((Value >> 12) & 0xF) == 0 ? 0 : 1u << (int)((Value >> 12) & 0xF);
}
