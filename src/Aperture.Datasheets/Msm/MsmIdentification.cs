namespace Aperture.Datasheets.Msm;

/// <summary>IDR. Known values look as if most fields were one less than the number (0x1F3F3001); drivers take the number of banks
/// from the device tree.</summary>
/// <remarks><code>
/// 31:24  23:16  15:12    10   9    8:0
/// NIRPT  NCB    TLBSIZE  HUM  HTW  NM2VCBMT
/// </code></remarks>
/// <param name="Bits">The register.</param>
public readonly record struct MsmIdentification(uint Bits)
{
    /// <summary>What is recorded of an APQ8064.</summary>
    public static MsmIdentification Apq8064 => new(0x1F3F_3001);

    /// <summary>NM2VCBMT.</summary>
    public int Machines => (int)(Bits & 0x1FF);

    /// <summary>NCB.</summary>
    public int Banks => (int)(Bits >> 16 & 0xFF);

    /// <summary>NIRPT.</summary>
    public int Interrupts => (int)(Bits >> 24);
}
