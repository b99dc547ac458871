namespace Aperture.Datasheets.Msm;

/// <summary>PAR: what a translation operation found.</summary>
/// <remarks><code>
/// found  31:12    10   9   7   6:4  1   0
///        address  NOS  NS  SH  MT   SS  0      of a supersection only 31:24 are of its address, bits 23:12 those of the request
/// fault  30  16  7    6        5        4      3    2    1   0
///        SS  SL  MHF  HTWSEEF  HTWDEEF  TLBMF  APF  AFF  TF  1
/// </code></remarks>
/// <param name="Bits">The register.</param>
public readonly record struct MsmTranslationResult(uint Bits)
{
    /// <summary>FAULT: there is no translation.</summary>
    public const uint FaultBit = 1;

    /// <summary>SS: the mapping is a supersection.</summary>
    public const uint SupersectionBit = 1u << 1;

    /// <summary>Whether there is no translation.</summary>
    public bool IsFault => (Bits & FaultBit) != 0;

    /// <summary>Why not: bits as in FSR.</summary>
    public MsmFault Fault => (MsmFault)(Bits & ~FaultBit);

    /// <summary>No translation.</summary>
    public static MsmTranslationResult Of(MsmFault fault) => new((uint)fault | FaultBit);

    /// <summary>Where an address leads.</summary>
    public uint Translate(uint address)
    {
        var offset = (Bits & SupersectionBit) != 0 ? 0x00FF_FFFFu : 0xFFFu;
        return (Bits & ~offset) | (address & offset);
    }
}
