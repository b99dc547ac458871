namespace Aperture.Hardware.Omap;

/// <summary>What lies at offset 0x88 of an <see cref="OmapMmu"/>.</summary>
public enum OmapGpRegister
{
    /// <summary>No register.</summary>
    None,

    /// <summary>GP_REG of an IPU MMU: BUS_ERR_BACK_EN.</summary>
    BusErrorBack,

    /// <summary>GPR of a DSP or system MMU: FAULT_INTR_DIS and general-purpose outputs.</summary>
    FaultInterruptDisable,
}
