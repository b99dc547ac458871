namespace Aperture.Dma.Sanitizer;

/// <summary>How far a sync has come.</summary>
internal enum SyncStep
{
    /// <summary>The CPU is going to get bytes: caches and bounce buffers have not been looked at.</summary>
    BeginsForCpu,

    /// <summary>The CPU has got bytes.</summary>
    ForCpu,

    /// <summary>The CPU has got bytes, for which there was nothing to do.</summary>
    CpuOwns,

    /// <summary>The device is going to get bytes.</summary>
    ForDevice,

    /// <summary>The device has got bytes: caches were looked at.</summary>
    EndsForDevice,
}
