namespace Aperture.Datasheets.Msm;

/// <summary>TLBRSW: which TLB entry TLBTR0 to TLBTR2 show.</summary>
/// <remarks><code>
/// 9:8       7:0
/// TLBBFBS   INDEX       TLBBFBS other than 0: the buffer of fetched blocks (inferred)
/// </code></remarks>
/// <param name="Bits">The register.</param>
public readonly record struct MsmTlbSelector(uint Bits)
{
    /// <summary>The entry.</summary>
    public int Index => (int)(Bits & 0xFF);

    /// <summary>Whether an entry of the TLB is meant.</summary>
    public bool IsTlb => (Bits & 0x300) == 0;
}
