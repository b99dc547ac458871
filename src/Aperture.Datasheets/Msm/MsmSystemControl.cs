namespace Aperture.Datasheets.Msm;

/// <summary>SCTLR of a context bank.</summary>
/// <remarks><code>
/// 5     4   3    2    1    0
/// AFFD  BE  HAF  AFE  TRE  M
/// </code></remarks>
/// <param name="Bits">The register.</param>
public readonly record struct MsmSystemControl(uint Bits)
{
    /// <summary>M: accesses are translated.</summary>
    public const uint EnableBit = 1u << 0;

    /// <summary>TRE: TEX remap.</summary>
    public const uint RemapBit = 1u << 1;

    /// <summary>AFE: AP[0] is the access flag.</summary>
    public const uint AccessFlagBit = 1u << 2;

    /// <summary>HAF: the unit sets access flags by itself.</summary>
    public const uint HardwareFlagBit = 1u << 3;

    /// <summary>BE: descriptors are big endian.</summary>
    public const uint BigEndianBit = 1u << 4;

    /// <summary>AFFD: a clear access flag is no fault.</summary>
    public const uint FlagFaultDisabledBit = 1u << 5;

    /// <summary>What drivers run with: translation, TEX remap, access flags.</summary>
    public const uint Running = EnableBit | RemapBit | AccessFlagBit;
}
