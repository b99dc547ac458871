namespace Aperture.Datasheets.Tegra;

/// <summary>Register offsets of the memory controller in bytes, as far as the SMMU and its errors are concerned. All registers are 32
/// bits wide. Source: recorded driver behaviour, published boot firmware and register lists of early drivers.</summary>
public static class TegraMcRegister
{
    /// <summary>MC_INTSTATUS, ones clear: <see cref="TegraMcInterrupts"/>.</summary>
    public const uint InterruptStatus = 0x000;

    /// <summary>MC_INTMASK, read/write: ones let a cause through to the interrupt line.</summary>
    public const uint InterruptMask = 0x004;

    /// <summary>MC_ERR_STATUS, read only: <see cref="TegraErrorStatus"/> of the causes without registers of their own.</summary>
    public const uint ErrorStatus = 0x008;

    /// <summary>MC_ERR_ADR, read only: bits 31:0 of the address; a device address for translation faults.</summary>
    public const uint ErrorAddress = 0x00C;

    /// <summary>SMMU_CONFIG, read/write: bit 0 enables translation.</summary>
    public const uint Config = 0x010;

    /// <summary>SMMU_TLB_CONFIG, read/write: <see cref="TegraTlbConfig"/>.</summary>
    public const uint TlbConfig = 0x014;

    /// <summary>SMMU_PTC_CONFIG, read/write: <see cref="TegraPtcConfig"/>.</summary>
    public const uint PtcConfig = 0x018;

    /// <summary>SMMU_PTB_ASID, read/write: the address space that <see cref="TableData"/> shows.</summary>
    public const uint TableAsid = 0x01C;

    /// <summary>SMMU_PTB_DATA, read/write, one for each address space: <see cref="TegraTableData"/>.</summary>
    public const uint TableData = 0x020;

    /// <summary>SMMU_TLB_FLUSH, write: <see cref="TegraTlbFlush"/>.</summary>
    public const uint TlbFlush = 0x030;

    /// <summary>SMMU_PTC_FLUSH, write: <see cref="TegraPtcFlush"/>.</summary>
    public const uint PtcFlush = 0x034;

    /// <summary>SMMU_ASID_SECURITY, read/write by secure software.</summary>
    public const uint AsidSecurity = 0x038;

    /// <summary>SMMU_STATS_TLB_HIT_COUNT, read only.</summary>
    public const uint TlbHits = 0x1F0;

    /// <summary>SMMU_STATS_TLB_MISS_COUNT, read only.</summary>
    public const uint TlbMisses = 0x1F4;

    /// <summary>SMMU_STATS_PTC_HIT_COUNT, read only.</summary>
    public const uint PtcHits = 0x1F8;

    /// <summary>SMMU_STATS_PTC_MISS_COUNT, read only.</summary>
    public const uint PtcMisses = 0x1FC;

    /// <summary>MC_CLIENT_HOTRESET_CTRL, read/write: a one holds the clients of a block back, see <see cref="TegraHotReset"/>.</summary>
    public const uint HotResetControl = 0x200;

    /// <summary>MC_CLIENT_HOTRESET_STATUS, read only: a one says that none of the block's accesses is under way any more.</summary>
    public const uint HotResetStatus = 0x204;

    /// <summary>MC_ERR_VPR_STATUS, read only; the address follows.</summary>
    public const uint VideoProtectStatus = 0x654;

    /// <summary>MC_ERR_SEC_STATUS, read only; the address follows.</summary>
    public const uint SecurityStatus = 0x67C;

    /// <summary>MC_CLIENT_HOTRESET_CTRL_1, from Tegra124 on.</summary>
    public const uint HotResetControl1 = 0x970;

    /// <summary>MC_CLIENT_HOTRESET_STATUS_1, from Tegra124 on.</summary>
    public const uint HotResetStatus1 = 0x974;

    /// <summary>MC_ERR_MTS_STATUS, read only; the address follows.</summary>
    public const uint MtsStatus = 0x9B0;

    /// <summary>SMMU_PTC_FLUSH_HI, from Tegra124 on, read/write: bits 33:32 of the address of the next flush by address.</summary>
    public const uint PtcFlushHigh = 0x9B8;

    /// <summary>MC_ERR_GENERALIZED_CARVEOUT_STATUS, Tegra210, read only; the address follows.</summary>
    public const uint CarveoutStatus = 0xC00;

    /// <summary>SMMU_CONFIG bit 0.</summary>
    public const uint ConfigEnable = 1u << 0;

    /// <summary>Number of TRANSLATION_ENABLE registers; the last one exists on Tegra210.</summary>
    public const int TranslationEnables = 5;

    /// <summary>SMMU_TRANSLATION_ENABLE_<paramref name="index"/>, read/write: one bit for each client, 32 clients in a register.</summary>
    /// <param name="index">0 to 4.</param>
    public static uint TranslationEnable(int index) => index == 4 ? 0xB98u : 0x228u + ((uint)index * sizeof(uint));

    /// <summary>The registers with status and address of a cause.</summary>
    public static (uint Status, uint Address) ErrorRegisters(TegraMcInterrupts cause)
    {
        var status = cause switch
        {
            TegraMcInterrupts.VideoProtect => VideoProtectStatus,
            TegraMcInterrupts.Security => SecurityStatus,
            TegraMcInterrupts.Mts => MtsStatus,
            TegraMcInterrupts.Carveout => CarveoutStatus,
            _ => ErrorStatus,
        };
        return (status, status + sizeof(uint));
    }
}
