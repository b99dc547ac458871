namespace Aperture.Datasheets.Msm;

/// <summary>Which units MSM8x60, MSM8960 and APQ8064 have, and which machine IDs their masters use. Facts of the vendor's platform data;
/// the device trees of today describe only the units of the display and the 3D core.</summary>
public static class MsmTopology
{
    /// <summary>The units that all three have; APQ8064 has <see cref="Gfx3d1"/> in place of the 2D cores, and <see cref="Vcap"/>.</summary>
    public static IReadOnlyList<MsmUnit> Units { get; } =
    [
        new("jpegd", 0x0730_0000, 2, [new("src", 0, [0]), new("dst", 1, [1])]),
        new("vpe", 0x0740_0000, 2, [new("src", 0, [0]), new("dst", 1, [1])]),
        new("mdp0", 0x0750_0000, 2, [new("vg1", 0, [0, 2]), new("rgb1", 1, [1, .. Range(3, 10)])]),
        new("mdp1", 0x0760_0000, 2, [new("vg2", 0, [0, 2]), new("rgb2", 1, [1, .. Range(3, 10)])]),
        new("rot", 0x0770_0000, 2, [new("src", 0, [0]), new("dst", 1, [1])]),
        new("ijpeg", 0x0780_0000, 2, [new("src", 0, [0]), new("dst", 1, [1])]),
        new("vfe", 0x0790_0000, 2, [new("imgwr", 0, [.. Range(2, 8)]), new("misc", 1, [0, 1, 9])]),
        new("vcodec_a", 0x07A0_0000, 2, [new("stream", 0, [2, 5]), new("mm1", 1, [0, 1, .. Range(6, 15)])]),
        new("vcodec_b", 0x07B0_0000, 2, [new("mm2", 0, [0, 1, .. Range(6, 15)])]),
        new("gfx3d", 0x07C0_0000, 3, [new("user", 0, [.. Range(0, 15)]), new("priv", 1, [.. Range(16, 31)])]),
    ];

    /// <summary>The 2D cores of MSM8x60 and MSM8960.</summary>
    public static IReadOnlyList<MsmUnit> Gfx2d { get; } =
    [
        new("gfx2d0", 0x07D0_0000, 2, [new("2d0", 0, [.. Range(0, 7)])]),
        new("gfx2d1", 0x07E0_0000, 2, [new("2d1", 0, [.. Range(0, 7)])]),
    ];

    /// <summary>The second unit of APQ8064's 3D core.</summary>
    public static MsmUnit Gfx3d1 { get; } =
        new("gfx3d1", 0x07D0_0000, 3, [new("user", 0, [.. Range(0, 15)]), new("priv", 1, [.. Range(16, 31)])]);

    /// <summary>APQ8064's video capture; its contexts are not known.</summary>
    public static MsmUnit Vcap { get; } = new("vcap", 0x0720_0000, 2, []);

    private static IEnumerable<uint> Range(uint first, uint last)
    {
        for (var machine = first; machine <= last; machine++)
            yield return machine;
    }
}
