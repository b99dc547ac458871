namespace Aperture.Datasheets.Fimc;

/// <summary>CISCPRERATIO: by how much the prescaler divides.</summary>
/// <remarks><code>
/// 31     28 27   23 22        16 15    7 6         0
/// [SHFACTOR][      ][ horizontal ][     ][ vertical ]
/// </code></remarks>
/// <param name="Value">The register.</param>
public readonly record struct FimcPreRatio(uint Value)
{
    /// <summary>[31:28] SHFACTOR: 10 less the binary logarithms of both ratios.</summary>
    public int ShiftFactor => (int)(Value >> 28);

    /// <summary>[22:16] PREHORRATIO; zero means one.</summary>
    public int Horizontal => Math.Max((int)((Value >> 16) & 0x7F), 1);

    /// <summary>[6:0] PREVERRATIO; zero means one.</summary>
    public int Vertical => Math.Max((int)(Value & 0x7F), 1);

    /// <summary>The register for ratios that are powers of two.</summary>
    /// <param name="horizontalShift">Binary logarithm of the horizontal ratio, 0 to 5.</param>
    /// <param name="verticalShift">Binary logarithm of the vertical ratio, 0 to 5.</param>
    public static FimcPreRatio ForShifts(int horizontalShift, int verticalShift) =>
        new(((10u - (uint)horizontalShift - (uint)verticalShift) << 28) | (1u << (16 + horizontalShift)) | (1u << verticalShift));
}
