namespace Aperture.Datasheets.Exynos;

/// <summary>Register offsets of versions 1 to 4, in bytes, beside those of <see cref="SysMmuRegister"/>.
/// Source: recorded driver behaviour; registers named "3.x" from vendor driver register lists.</summary>
public static class SysMmuV1Register
{
    /// <summary>MMU_FLUSH, write: bit 0 set invalidates everything.</summary>
    public const uint Flush = 0x00C;

    /// <summary>MMU_FLUSH_ENTRY, write: page address in bits 31:12, bit 0 set.</summary>
    public const uint FlushEntry = 0x010;

    /// <summary>PT_BASE_ADDR, read/write: physical byte address of the first-level table, 16 KiB aligned.</summary>
    public const uint TableBase = 0x014;

    /// <summary>INT_STATUS, read only: <see cref="SysMmuV1Fault"/>.</summary>
    public const uint InterruptStatus = 0x018;

    /// <summary>INT_CLEAR, write: ones clear bits of INT_STATUS.</summary>
    public const uint InterruptClear = 0x01C;

    /// <summary>PAGE_FAULT_ADDR, read only: device address of a page fault.</summary>
    public const uint PageFaultAddress = 0x024;

    /// <summary>AW_FAULT_ADDR, read only: device address of a fault on the write channel.</summary>
    public const uint WriteFaultAddress = 0x028;

    /// <summary>AR_FAULT_ADDR, read only: device address of a fault on the read channel.</summary>
    public const uint ReadFaultAddress = 0x02C;

    /// <summary>DEFAULT_SLAVE_ADDR: one driver reads the address of a bus error here, another at <see cref="PageFaultAddress"/>.</summary>
    public const uint DefaultSlaveAddress = 0x030;

    /// <summary>3.3: L1TLB_READ_ENTRY, read/write: index of the entry that the two registers below show.</summary>
    public const uint TlbReadEntry = 0x040;

    /// <summary>3.3: L1TLB_ENTRY_PPN, read only: physical page number (4 KiB pages).</summary>
    public const uint TlbEntryPpn = 0x044;

    /// <summary>3.3: L1TLB_ENTRY_VPN, read only: device page number (4 KiB pages).</summary>
    public const uint TlbEntryVpn = 0x048;

    /// <summary>3.3: FAULT_TRANS_INFO, read only: <see cref="SysMmuTransactionInfo"/>. On 3.0 and 3.1 the start of prefetch buffer
    /// 0.</summary>
    public const uint FaultTransactionInfo = 0x04C;

    /// <summary>3.0, 3.1: PB0_SADDR; PB0_EADDR, PB1_SADDR and PB1_EADDR follow. Ends are inclusive.</summary>
    public const uint PrefetchBuffers31 = 0x04C;

    /// <summary>3.2: PB0_SADDR; PBn_SADDR and PBn_EADDR at 8n and 8n+4 from here, n = 0 to 2. Ends are inclusive.</summary>
    public const uint PrefetchBuffers32 = 0x070;

    /// <summary>3.3: first of the prefetch-buffer registers, PB_INFO (read only): number of buffers in bits 7:0.</summary>
    public const uint PrefetchInfo = 0x400;

    /// <summary>3.3: PB_LMM, read/write: how the line buffers are split, see <see cref="SysMmuPrefetch"/>.</summary>
    public const uint PrefetchLayout = 0x404;

    /// <summary>3.3: PB_INDICATE, read/write: the buffer that the registers below show in bits 7:0, bit 8 its sub-buffer 1.</summary>
    public const uint PrefetchSelect = 0x408;

    /// <summary>3.3: PB_CFG of the selected buffer, read/write: bit 0 enables it.</summary>
    public const uint PrefetchConfig = 0x40C;

    /// <summary>3.3: PB_START_ADDR of the selected buffer, read/write.</summary>
    public const uint PrefetchStart = 0x410;

    /// <summary>3.3: PB_END_ADDR of the selected buffer, read/write, inclusive.</summary>
    public const uint PrefetchEnd = 0x414;

    /// <summary>3.3: SPB_BASE_VPN of the selected buffer, read only.</summary>
    public const uint PrefetchBaseVpn = 0x418;
}
