using Aperture.Core;

namespace Aperture.Dma.Spaces;

/// <summary>Which device addresses of a domain the DMA API gives out.</summary>
public sealed record DmaSpaceOptions
{
    /// <summary>The first, at a page; what lies below stays the domain's owner's. Default: the domain's first.</summary>
    public Iova First { get; init; }

    /// <summary>The last byte. Default: the domain's last.</summary>
    public Iova Last { get; init; } = new(ulong.MaxValue);

    /// <summary>First and last byte of windows between them that stay the owner's, too: what firmware expects at addresses of its own.
    /// Pages that are only partly in one stay as a whole.</summary>
    public IReadOnlyList<(Iova First, Iova Last)> Reserved { get; init; } = [];
}
