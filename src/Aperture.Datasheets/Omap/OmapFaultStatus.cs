namespace Aperture.Datasheets.Omap;

/// <summary>The FAULT_STATUS register of OMAP4 and later: more about the first fault.</summary>
/// <remarks><code>
/// 31      9 8       4  3     2         1  0
/// [reserved][transid ] [rdwr][faulttype ] [faultindication]      transid is 7:4 on OMAP4
/// </code></remarks>
/// <param name="Bits">The register.</param>
public readonly record struct OmapFaultStatus(uint Bits)
{
    /// <summary>FAULTINDICATION: the other fields and FAULT_PC hold a fault; write one to clear.</summary>
    public const uint Indication = 1 << 0;

    /// <summary>TRANS_ID of the table walker itself (OMAP4460 register list).</summary>
    public const int TableWalkId = 8;

    /// <summary>A register that holds a fault.</summary>
    /// <param name="type">MMU_FAULT_TYPE: 0 data, 1 instruction fetch, 2 DMA.</param>
    /// <param name="readWrite">RD_WR.</param>
    /// <param name="transactionId">TRANS_ID.</param>
    public OmapFaultStatus(int type, bool readWrite, int transactionId)
        : this(Indication | ((uint)(type & 3) << 1) | (readWrite ? 8u : 0) | ((uint)(transactionId & 0x1F) << 4))
    {
    }

    /// <summary>Whether a fault is held.</summary>
    public bool IsIndicated => (Bits & Indication) != 0;

    /// <summary>MMU_FAULT_TYPE: 0 data load or store, 1 instruction fetch, 2 DMA (DSP only).</summary>
    public int Type => (int)(Bits >> 1) & 3;

    /// <summary>RD_WR. Which level means a write is not documented.</summary>
    public bool ReadWrite => (Bits & 8) != 0;

    /// <summary>TRANS_ID: 4 bits on OMAP4, 5 on DRA7.</summary>
    public int TransactionId => (int)(Bits >> 4) & 0x1F;
}
