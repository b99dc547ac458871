namespace Aperture.Datasheets.Omap3Isp;

/// <summary>ISP_CTRL.</summary>
/// <remarks><code>
/// 31           21    20  19  18  17 16    15 14     13 12 10  9   8     7 6    5 4 3 2  1 0
/// [           ][ autoidle/ram enables ][sync detect][clocks][ccdc clk][shift][  ...  ][input]
/// </code></remarks>
/// <param name="Value">The register.</param>
public readonly record struct Omap3IspControl(uint Value)
{
    /// <summary>[1:0] PAR_SER_CLK_SEL: zero takes the parallel interface.</summary>
    public const uint InputMask = 3;

    /// <summary>[8] CCDC_CLK_EN: the CCDC's clock runs.</summary>
    public const uint CcdcClock = 1 << 8;

    /// <summary>[15:14] SYNC_DETECT: 3 is the rising edge of the vertical sync.</summary>
    public const uint SyncDetectVerticalRising = 3 << 14;

    /// <summary>[16] CCDC_RAM_EN: the CCDC's memory has power.</summary>
    public const uint CcdcRam = 1 << 16;

    /// <summary>[19] SBL_WR1_RAM_EN and [20] SBL_WR0_RAM_EN: the write buffers have power.</summary>
    public const uint WriteBufferRam = (1 << 19) | (1 << 20);

    /// <summary>Whether the CCDC's clock runs.</summary>
    public bool IsCcdcClocked => (Value & CcdcClock) != 0;

    /// <summary>Whether HS_VS_IRQ means a vertical sync.</summary>
    public bool DetectsVerticalSync => ((Value >> 14) & 3) >= 2;
}
