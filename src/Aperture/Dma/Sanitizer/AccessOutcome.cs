namespace Aperture.Dma.Sanitizer;

/// <summary>What becomes of a device's access.</summary>
public enum AccessOutcome
{
    /// <summary>It goes on to memory or registers.</summary>
    Done,

    /// <summary>A unit keeps it: it is refused, or never completes.</summary>
    Refused,

    /// <summary>Nothing answers: no memory is there, or the buses do not lead there.</summary>
    NoMemory,
}
