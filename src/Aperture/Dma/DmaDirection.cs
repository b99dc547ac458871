namespace Aperture.Dma;

/// <summary>Which way bytes go through a streaming mapping. The numbers are the field's own.</summary>
public enum DmaDirection
{
    /// <summary>The device reads and writes.</summary>
    Bidirectional = 0,

    /// <summary>The device reads.</summary>
    ToDevice = 1,

    /// <summary>The device writes.</summary>
    FromDevice = 2,
}
