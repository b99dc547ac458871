using Aperture.Dma.Memory;

namespace Aperture.Dma.Sanitizer;

/// <summary>What the sanitizer looks at and how much it may remember.</summary>
public sealed record SanitizerOptions
{
    /// <summary>Different findings kept; later ones are only counted. At least 1. Default 100.</summary>
    public int ErrorLimit { get; init; } = 100;

    /// <summary>Live mappings remembered, over all devices; at least 1. Default 65536.</summary>
    public int MaxMappings { get; init; } = 65536;

    /// <summary>Ended mappings remembered for each device address space; at least 1. Default 256.</summary>
    public int History { get; init; } = 256;

    /// <summary>Bytes of copies of mapped memory, over all devices. Mappings beyond that are watched in all but their contents. Default 64
    /// MiB.</summary>
    public long ContentBytes { get; init; } = 64 << 20;

    /// <summary>Whether <see cref="MemoryBlock.Span"/> is watched. Default true.</summary>
    public bool WatchSpans { get; init; } = true;

    /// <summary>Only findings of devices with these names; null for all.</summary>
    public IReadOnlySet<string>? Devices { get; init; }

    /// <summary>Only findings of devices with these drivers; null for all.</summary>
    public IReadOnlySet<string>? Drivers { get; init; }

    /// <summary>Kinds that are not reported; null for none.</summary>
    public IReadOnlySet<FindingKind>? Ignored { get; init; }
}
