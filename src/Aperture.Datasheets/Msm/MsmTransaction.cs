namespace Aperture.Datasheets.Msm;

/// <summary>FSYNR1 and ESYNR1: what a faulting access was.</summary>
/// <remarks><code>
/// 24     21:20  18:16  15:12  10      8       7      6        5      4             3        2:0
/// AFULL  ALOCK  ASIZE  ALEN   ABURST  AWRITE  AINST  APROTNS  APRIV  AINNERSHARED  ASHARED  AMEMTYPE
/// </code></remarks>
/// <param name="Bits">The register.</param>
public readonly record struct MsmTransaction(uint Bits)
{
    private const uint PrivilegedBit = 1u << 5;
    private const uint NonSecureBit = 1u << 6;
    private const uint FetchBit = 1u << 7;
    private const uint WriteBit = 1u << 8;

    /// <summary>AWRITE.</summary>
    public bool IsWrite => (Bits & WriteBit) != 0;

    /// <summary>AINST.</summary>
    public bool IsFetch => (Bits & FetchBit) != 0;

    /// <summary>APRIV.</summary>
    public bool IsPrivileged => (Bits & PrivilegedBit) != 0;

    /// <summary>A non-secure access.</summary>
    public static MsmTransaction Of(bool isWrite, bool isFetch, bool isPrivileged) =>
        new(NonSecureBit | (isWrite ? WriteBit : 0) | (isFetch ? FetchBit : 0) | (isPrivileged ? PrivilegedBit : 0));
}
