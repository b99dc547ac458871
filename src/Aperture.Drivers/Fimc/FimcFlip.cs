namespace Aperture.Drivers.Fimc;

/// <summary>How a picture is mirrored.</summary>
[Flags]
public enum FimcFlip
{
    /// <summary>Not at all.</summary>
    None = 0,

    /// <summary>Left to right.</summary>
    X = 1,

    /// <summary>Top to bottom.</summary>
    Y = 2,
}
