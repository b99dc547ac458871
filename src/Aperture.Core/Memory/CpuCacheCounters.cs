namespace Aperture.Core.Memory;

/// <summary>What cache maintenance was done so far, and what it cost.</summary>
public readonly record struct CpuCacheCounters
{
    /// <summary>Operations that software asked for: clean, invalidate, both, and taking memory out of the cache.</summary>
    public long Operations { get; init; }

    /// <summary>Lines in their ranges.</summary>
    public long Lines { get; init; }

    /// <summary>Bytes in their ranges, as asked for.</summary>
    public long Bytes { get; init; }

    /// <summary>Dirty lines that these operations wrote to memory.</summary>
    public long WrittenBack { get; init; }

    /// <summary>Dirty lines that an invalidation threw away.</summary>
    public long Lost { get; init; }

    /// <summary>Dirty lines that chaos wrote to memory.</summary>
    public long Evicted { get; init; }

    /// <summary>Lines that chaos filled with other bytes than the CPU saw before.</summary>
    public long Refilled { get; init; }

    /// <summary>Times that memory got its cached view back and somebody had written to that view meanwhile.</summary>
    public long AliasWrites { get; init; }

    /// <summary>CPU cycles that the operations cost, by the model of <see cref="CpuCacheOptions"/>.</summary>
    public long Cycles { get; init; }
}
