namespace Aperture.Boards.Running;

/// <summary>How much a workload does.</summary>
public sealed record WorkloadOptions
{
    /// <summary>Bytes that it moves, by all of its devices and ways together, about; at least 1 MiB. Default 32 MiB.</summary>
    public long Bytes { get; init; } = 32 << 20;

    /// <summary>What its random choices come from. Default 1.</summary>
    public int Seed { get; init; } = 1;
}
