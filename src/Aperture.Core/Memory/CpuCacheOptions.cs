namespace Aperture.Core.Memory;

/// <summary>What the caches between a CPU and its memory are like.</summary>
/// <remarks>The cycle counts are a model, for comparing ways of doing things; they are no measurement of a part.</remarks>
public sealed record CpuCacheOptions
{
    /// <summary>Bytes to a line: a power of two from 16 to 1024. Default 64.</summary>
    public int LineSize { get; init; } = 64;

    /// <summary>Evicts and speculatively fills lines at random with this seed, at every maintenance operation and every access of a device.
    /// The same seed and the same calls on one thread give the same bytes. Null, the default: all lines stay in the cache all the time,
    /// which shows every forgotten operation.</summary>
    public int? ChaosSeed { get; init; }

    /// <summary>Lines that chaos disturbs at each operation and each access: at least 1. Default 4.</summary>
    public int ChaosLines { get; init; } = 4;

    /// <summary>CPU cycles that any maintenance operation costs, the barrier behind it included. Default 40.</summary>
    public int OperationCycles { get; init; } = 40;

    /// <summary>CPU cycles more for each line in the range. Default 8.</summary>
    public int LineCycles { get; init; } = 8;

    /// <summary>CPU cycles more for each line that is written to memory. Default 32.</summary>
    public int WriteBackCycles { get; init; } = 32;

    internal void Validate()
    {
        if (LineSize is < 16 or > PhysicalMemory.FrameSize || (LineSize & (LineSize - 1)) != 0)
            throw new ApertureException(
                Status.InvalidArgument, $"a cache line of {LineSize} bytes is not a power of two from 16 to {PhysicalMemory.FrameSize}");
        if (ChaosLines < 1 || OperationCycles < 0 || LineCycles < 0 || WriteBackCycles < 0)
            throw new ApertureException(Status.InvalidArgument, "a cache needs at least 1 line to disturb and no negative costs");
    }
}
