namespace Aperture.Datasheets.Msm;

/// <summary>FSYNR0 and ESYNR0: who made a faulting access.</summary>
/// <remarks><code>
/// 31:24  20:16   15:13  12:8  7:0
/// ATID   AVMID   ABID   APID  AMID       AVMID in ESYNR0 only
/// </code></remarks>
/// <param name="Bits">The register.</param>
public readonly record struct MsmTransactionIds(uint Bits)
{
    /// <summary>AMID: the machine ID.</summary>
    public uint Machine => Bits & 0xFF;

    /// <summary>The IDs of an access.</summary>
    /// <param name="machine">The machine ID.</param>
    /// <param name="transaction">The bus transaction ID; its low eight bits are kept.</param>
    /// <param name="vmid">The VMID, for ESYNR0.</param>
    public static MsmTransactionIds Of(uint machine, uint transaction, uint vmid = 0) =>
        new((machine & 0xFF) | ((vmid & 0x1F) << 16) | (transaction << 24));
}
