namespace Aperture.Datasheets.Exynos;

/// <summary>Register offsets of versions 5 and 6, and of version 7 up to <see cref="InterruptClear"/>, in bytes, beside those of
/// <see cref="SysMmuRegister"/>. Source: recorded driver behaviour; debug and prefetch registers from vendor driver register
/// lists.</summary>
public static class SysMmuV5Register
{
    /// <summary>PT_BASE_PPN, read/write: physical address of the first-level table divided by 4096.</summary>
    public const uint TableBase = 0x00C;

    /// <summary>MMU_FLUSH, write: bit 0 set invalidates everything.</summary>
    public const uint Flush = 0x010;

    /// <summary>MMU_FLUSH_ENTRY, write: page address in bits 31:12, bit 0 set.</summary>
    public const uint FlushEntry = 0x014;

    /// <summary>MMU_FLUSH_RANGE, write: bit 0 set invalidates the pages from <see cref="FlushRangeStart"/> to
    /// <see cref="FlushRangeEnd"/>.</summary>
    public const uint FlushRange = 0x018;

    /// <summary>FLUSH_RANGE_START, read/write: device address of the first page.</summary>
    public const uint FlushRangeStart = 0x020;

    /// <summary>FLUSH_RANGE_END, read/write: device address in the last page.</summary>
    public const uint FlushRangeEnd = 0x024;

    /// <summary>MMU_CAPA, read only: <see cref="SysMmuCapability"/>.</summary>
    public const uint Capability = 0x030;

    /// <summary>MMU_CAPA_1, read only.</summary>
    public const uint Capability1 = 0x038;

    /// <summary>INT_STATUS, read only: <see cref="SysMmuV5Fault"/>, on version 7 <see cref="SysMmuV7Fault"/>.</summary>
    public const uint InterruptStatus = 0x060;

    /// <summary>INT_CLEAR, write: ones clear bits of INT_STATUS.</summary>
    public const uint InterruptClear = 0x064;

    /// <summary>FAULT_AR_VA, read only: device address of a fault on the read channel.</summary>
    public const uint ReadFaultAddress = 0x070;

    /// <summary>FAULT_AR_TRANS_INFO, read only: <see cref="SysMmuTransactionInfo"/>.</summary>
    public const uint ReadFaultInfo = 0x078;

    /// <summary>FAULT_AW_VA, read only: device address of a fault on the write channel.</summary>
    public const uint WriteFaultAddress = 0x080;

    /// <summary>FAULT_AW_TRANS_INFO, read only: <see cref="SysMmuTransactionInfo"/>.</summary>
    public const uint WriteFaultInfo = 0x088;

    /// <summary>5.1: L1TLB_CFG, read/write: 2 switches hit notification on.</summary>
    public const uint TlbConfig = 0x100;

    /// <summary>5.1: L1TLB_CTRL, read/write: 1 releases the slots of direct fetches. One vendor tree has it at 0x104.</summary>
    public const uint TlbControl = 0x108;

    /// <summary>L2TLB_CFG, read/write: bit 0 switches the second TLB on.</summary>
    public const uint L2TlbConfig = 0x200;

    /// <summary>PB_LMM, read/write: how the line buffers are split, see <see cref="SysMmuPrefetch"/>.</summary>
    public const uint PrefetchLayout = 0x300;

    /// <summary>PB_GRP_STATE, read/write.</summary>
    public const uint PrefetchGroupState = 0x304;

    /// <summary>PB_INDICATE, read/write: the buffer that the registers below show.</summary>
    public const uint PrefetchSelect = 0x308;

    /// <summary>PB_CFG of the selected buffer, read/write: bit 0 enables it.</summary>
    public const uint PrefetchConfig = 0x310;

    /// <summary>PB_START_ADDR of the selected buffer, read/write.</summary>
    public const uint PrefetchStart = 0x320;

    /// <summary>PB_END_ADDR of the selected buffer, read/write, inclusive.</summary>
    public const uint PrefetchEnd = 0x328;

    /// <summary>PB_AXI_ID of the selected buffer, read/write.</summary>
    public const uint PrefetchAxiId = 0x330;

    /// <summary>PB_INFO, read only: number of buffers in bits 7:0.</summary>
    public const uint PrefetchInfo = 0x350;

    /// <summary>5.1: SW_DF_VPN, write: fetch the translation of this device address into the TLB.</summary>
    public const uint DirectFetch = 0x400;

    /// <summary>5.1: SW_DF_VPN_CMD_NUM, read only: commands still queued in bits 7:0.</summary>
    public const uint DirectFetchQueue = 0x408;

    /// <summary>L1TLB_READ_ENTRY, read/write: index of the entry that the three registers below show.</summary>
    public const uint TlbReadEntry = 0x750;

    /// <summary>L1 TLB entry, read only: device page number (4 KiB pages).</summary>
    public const uint TlbEntryVpn = 0x754;

    /// <summary>L1 TLB entry, read only: physical page number (4 KiB pages).</summary>
    public const uint TlbEntryPpn = 0x75C;

    /// <summary>L1 TLB entry, read only: attributes; bit 16 marks a special (direct-fetch) slot.</summary>
    public const uint TlbEntryAttributes = 0x764;

    /// <summary>L2TLB_READ_ENTRY; VPN, PPN and attributes follow at +4, +0xC and +0x14.</summary>
    public const uint L2TlbReadEntry = 0x770;

    /// <summary>L2 TLB entry, read only: device page number.</summary>
    public const uint L2TlbEntryVpn = 0x774;

    /// <summary>L2 TLB entry, read only: physical page number.</summary>
    public const uint L2TlbEntryPpn = 0x77C;

    /// <summary>L2 TLB entry, read only: attributes.</summary>
    public const uint L2TlbEntryAttributes = 0x784;

    /// <summary>Attribute bit 16: the entry sits in a special slot.</summary>
    public const uint AttributeSpecialSlot = 1u << 16;
}
