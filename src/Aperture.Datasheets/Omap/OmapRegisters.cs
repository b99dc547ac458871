namespace Aperture.Datasheets.Omap;

/// <summary>Byte offsets of the registers of the OMAP MMU. All are 32 bits wide and are accessed as such. Offsets up to 0x6C
/// are the same from OMAP2 to DRA7; the rest depends on the generation (OMAP36xx TRM ch. 15; OMAP4460 register list;
/// AM572x register headers).</summary>
public static class OmapRegisters
{
    /// <summary>REVISION, read-only: [7:4] major, [3:0] minor.</summary>
    public const uint Revision = 0x00;

    /// <summary>SYSCONFIG: see <see cref="OmapSysConfig"/>.</summary>
    public const uint SysConfig = 0x10;

    /// <summary>SYSSTATUS, read-only: [0] RESETDONE.</summary>
    public const uint SysStatus = 0x14;

    /// <summary>IRQSTATUS, write one to clear: see <see cref="OmapFault"/>.</summary>
    public const uint IrqStatus = 0x18;

    /// <summary>IRQENABLE: see <see cref="OmapFault"/>.</summary>
    public const uint IrqEnable = 0x1C;

    /// <summary>WALKING_ST, read-only: [0] TWLRUNNING.</summary>
    public const uint WalkingStatus = 0x40;

    /// <summary>CNTL: see <see cref="OmapControl"/>.</summary>
    public const uint Control = 0x44;

    /// <summary>FAULT_AD, read-only: the virtual address of the fault.</summary>
    public const uint FaultAddress = 0x48;

    /// <summary>TTB: [31:7] physical address of the first-level table.</summary>
    public const uint TableBase = 0x4C;

    /// <summary>LOCK: see <see cref="OmapLock"/>.</summary>
    public const uint Lock = 0x50;

    /// <summary>LD_TLB, reads zero: writing 1 to [0] loads CAM and RAM into the entry that LOCK selects.</summary>
    public const uint LoadTlb = 0x54;

    /// <summary>CAM: see <see cref="OmapCam"/>.</summary>
    public const uint Cam = 0x58;

    /// <summary>RAM: see <see cref="OmapRam"/>.</summary>
    public const uint Ram = 0x5C;

    /// <summary>GFLUSH, reads zero: writing 1 to [0] drops every entry that is not preserved.</summary>
    public const uint GlobalFlush = 0x60;

    /// <summary>FLUSH_ENTRY, reads zero: writing 1 to [0] drops the entry that contains CAM's address.</summary>
    public const uint FlushEntry = 0x64;

    /// <summary>READ_CAM, read-only: CAM word of the entry that LOCK selects.</summary>
    public const uint ReadCam = 0x68;

    /// <summary>READ_RAM, read-only: RAM word of the entry that LOCK selects.</summary>
    public const uint ReadRam = 0x6C;

    /// <summary>EMU_FAULT_AD, read-only: the last virtual address that faulted by a debugger's access.</summary>
    public const uint EmuFaultAddress = 0x70;

    /// <summary>TTB_MSB, DRA7 DSP: [3:0] bits 35:32 of the table's address.</summary>
    public const uint TableBaseMsb = 0x74;

    /// <summary>RAM_MSB, DRA7 DSP: [3:0] bits 35:32 of the physical address to load.</summary>
    public const uint RamMsb = 0x78;

    /// <summary>READ_RAM_MSB, DRA7 DSP, read-only: [3:0] bits 35:32 of the selected entry's physical address.</summary>
    public const uint ReadRamMsb = 0x7C;

    /// <summary>FAULT_PC, OMAP4 on, read-only: program counter of the first fault, DSP only.</summary>
    public const uint FaultPc = 0x80;

    /// <summary>FAULT_STATUS, OMAP4 on: see <see cref="OmapFaultStatus"/>.</summary>
    public const uint FaultStatus = 0x84;

    /// <summary>GP_REG of an IPU MMU: [0] BUS_ERR_BACK_EN. GPR of a DSP MMU: [0] FAULT_INTR_DIS, [31:16] GPO.</summary>
    public const uint GpReg = 0x88;

    /// <summary>BYPASS_REGION1_ADDR, DRA7 DSP: [31:16] start. The size follows at +4; four pairs, 8 bytes apart.</summary>
    public const uint BypassRegion = 0x90;

    /// <summary>BYPASS_REGION4_SIZE, the last register of the block.</summary>
    public const uint BypassRegionLast = 0xAC;
}
