namespace Aperture.Datasheets.Omap3Isp;

/// <summary>Byte offsets of the registers of the OMAP3 camera ISP, from the start of its first window (0x480BC000). All are
/// 32 bits wide (OMAP36xx TRM, camera ISP). Those of the CCDC are in <see cref="CcdcRegisters"/>.</summary>
public static class Omap3IspRegisters
{
    /// <summary>Bytes of the first window: main registers, CBUFF, CCP2, CCDC, histogram, H3A, preview, resizer, SBL.</summary>
    public const uint Size = 0x12FC;

    /// <summary>ISP_REVISION, read-only: [7:4] major, [3:0] minor.</summary>
    public const uint Revision = 0x000;

    /// <summary>ISP_SYSCONFIG: [0] AUTOIDLE, [1] SOFTRESET (reads zero), [13:12] MIDLEMODE.</summary>
    public const uint SysConfig = 0x004;

    /// <summary>ISP_SYSSTATUS, read-only: [0] RESETDONE.</summary>
    public const uint SysStatus = 0x008;

    /// <summary>ISP_IRQ0ENABLE: which interrupts go to the MPU; see <see cref="Omap3IspInterrupts"/>.</summary>
    public const uint Irq0Enable = 0x00C;

    /// <summary>ISP_IRQ0STATUS, write one to clear.</summary>
    public const uint Irq0Status = 0x010;

    /// <summary>ISP_IRQ1ENABLE: which interrupts go to the IVA.</summary>
    public const uint Irq1Enable = 0x014;

    /// <summary>ISP_IRQ1STATUS, write one to clear.</summary>
    public const uint Irq1Status = 0x018;

    /// <summary>TCTRL_GRESET_LENGTH, the first of the timing and control registers that are kept without effect.</summary>
    public const uint TimingFirst = 0x030;

    /// <summary>ISP_CTRL: see <see cref="Omap3IspControl"/>.</summary>
    public const uint Control = 0x040;

    /// <summary>TCTRL_SHUT_DELAY and what follows: the last of the timing registers.</summary>
    public const uint TimingLast = 0x070;

    /// <summary>SBL_PCR: see <see cref="SblCcdcOverflow"/>; write one to clear.</summary>
    public const uint SblPcr = 0x1204;

    /// <summary>What ISP_REVISION reads on OMAP3630: 15.0.</summary>
    public const uint RevisionValue = 0xF0;

    /// <summary>ISP_SYSCONFIG: SOFTRESET.</summary>
    public const uint SoftReset = 1 << 1;

    /// <summary>ISP_SYSCONFIG: MIDLEMODE smart standby.</summary>
    public const uint SmartStandby = 2 << 12;

    /// <summary>ISP_SYSSTATUS: RESETDONE.</summary>
    public const uint ResetDone = 1 << 0;

    /// <summary>SBL_PCR: CCDC_WBL_OVF, the CCDC's write buffer overflowed.</summary>
    public const uint SblCcdcOverflow = 1 << 23;
}
