namespace Aperture.Datasheets.Omap3Isp;

/// <summary>CCDC_SYN_MODE, as far as capture to memory uses it.</summary>
/// <remarks><code>
/// 31    18   17    16     15 14 13  12  11    10   8 7        0
/// [      ][WEN][VDHDEN][    ][INPMOD][PACK8][DATSIZ][ syncs  ]
/// </code></remarks>
/// <param name="Value">The register.</param>
public readonly record struct CcdcSynMode(uint Value)
{
    private const int DataSizeShift = 8;

    /// <summary>[17] WEN: lines go to memory.</summary>
    public const uint WriteEnable = 1 << 17;

    /// <summary>[16] VDHDEN: the sync signals are used.</summary>
    public const uint SyncEnable = 1 << 16;

    /// <summary>[11] PACK8: one byte to a pixel in memory, not two.</summary>
    public const uint Pack8 = 1 << 11;

    /// <summary>[10:8] DATSIZ for a sensor of 10 bits.</summary>
    public const uint DataSize10 = 6 << DataSizeShift;

    /// <summary>Whether lines go to memory.</summary>
    public bool WritesMemory => (Value & WriteEnable) != 0;

    /// <summary>Whether a pixel is one byte in memory.</summary>
    public bool IsPacked => (Value & Pack8) != 0;

    /// <summary>Bits of a sample, from DATSIZ: 16 down to 10, or 8.</summary>
    public int SampleBits => ((Value >> DataSizeShift) & 7) is var size && size == 7 ? 8 : 16 - (int)size;
}
