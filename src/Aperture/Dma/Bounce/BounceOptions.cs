namespace Aperture.Dma.Bounce;

/// <summary>How a pool of bounce buffers is made.</summary>
public sealed record BounceOptions
{
    /// <summary>Bytes that the pool starts with and grows by, rounded up to a power of two of at least 256 KiB. Default 4 MiB (Linux: 64
    /// MiB): a simulated board has little RAM, and the pool grows.</summary>
    public int Bytes { get; init; } = 4 << 20;

    /// <summary>Bytes at which it stops growing; <see cref="Bytes"/> keeps it from growing. Default 64 MiB.</summary>
    public int MaxBytes { get; init; } = 64 << 20;

    /// <summary>Areas with a lock of their own, rounded up to a power of two; 0 for as many as there are cores. Fewer where an area would
    /// have less than 256 KiB.</summary>
    public int Areas { get; init; }
}
