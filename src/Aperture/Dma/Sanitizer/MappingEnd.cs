namespace Aperture.Dma.Sanitizer;

/// <summary>How a mapping ended.</summary>
public enum MappingEnd
{
    /// <summary>It has not.</summary>
    Live,

    /// <summary>It was unmapped or freed.</summary>
    Unmapped,

    /// <summary>The driver let go of the device and left it behind.</summary>
    Leaked,
}
