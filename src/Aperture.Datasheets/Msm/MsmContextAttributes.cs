namespace Aperture.Datasheets.Msm;

/// <summary>CBACR: what a context bank belongs to.</summary>
/// <remarks><code>
/// 31:24     20:16   9     8    4:0
/// IRPTNDX   CBVMID  RWGE  RWE  RWVMID
/// </code></remarks>
/// <param name="Bits">The register.</param>
public readonly record struct MsmContextAttributes(uint Bits)
{
    /// <summary>CBVMID: the VMID of the bank's translations.</summary>
    public uint Vmid => Bits >> 16 & 0x1F;

    /// <summary>IRPTNDX: the interrupt line of the bank's faults.</summary>
    public int Interrupt => (int)(Bits >> 24);
}
