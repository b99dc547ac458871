namespace Aperture.Datasheets.Omap3Isp;

/// <summary>Bits of ISP_IRQ0ENABLE and ISP_IRQ0STATUS (OMAP36xx TRM, camera ISP), those that the capture path has.</summary>
[Flags]
public enum Omap3IspInterrupts : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>[8] CCDC_VD0_IRQ: the line that VDINT0 names was received.</summary>
    Vd0 = 1 << 8,

    /// <summary>[9] CCDC_VD1_IRQ: the line that VDINT1 names was received.</summary>
    Vd1 = 1 << 9,

    /// <summary>[25] OVF_IRQ: a write buffer of the shared buffer logic overflowed.</summary>
    Overflow = 1 << 25,

    /// <summary>[28] MMU_ERR_IRQ: the MMU has something to tell.</summary>
    MmuError = 1 << 28,

    /// <summary>[29] OCP_ERR_IRQ: the interconnect answered an access with an error.</summary>
    BusError = 1 << 29,

    /// <summary>[31] HS_VS_IRQ: the edge that ISP_CTRL.SYNC_DETECT names was seen.</summary>
    Sync = 1u << 31,
}
