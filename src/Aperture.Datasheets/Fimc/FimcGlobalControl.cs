namespace Aperture.Datasheets.Fimc;

/// <summary>Bits of CIGCTRL.</summary>
public static class FimcGlobalControl
{
    /// <summary>[31] SWRST: writing one resets the block.</summary>
    public const uint SoftwareReset = 1u << 31;

    /// <summary>[20] IRQ_LEVEL: the interrupt is a level.</summary>
    public const uint IrqLevel = 1 << 20;

    /// <summary>[19] IRQ_CLR: writing one clears the interrupt; reads zero.</summary>
    public const uint IrqClear = 1 << 19;

    /// <summary>[16] IRQ_ENABLE: the end of a frame raises the interrupt.</summary>
    public const uint IrqEnable = 1 << 16;
}
