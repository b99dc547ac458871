namespace Aperture.Dma;

/// <summary>A mapped scatterlist. The device's segments stand in the span that the caller gave; dispose it once.</summary>
public readonly ref struct ScatterMapping
{
    private readonly DmaContext? _context;
    private readonly ReadOnlySpan<MemoryBlock> _memory;
    private readonly DmaDirection _direction;
    private readonly DmaAttributes _attributes;
    private readonly ReadOnlySpan<DmaSegment> _segments;

    internal ScatterMapping(DmaContext context, ReadOnlySpan<MemoryBlock> memory, ReadOnlySpan<DmaSegment> segments, DmaDirection direction, DmaAttributes attributes)
    {
        _context = context;
        _memory = memory;
        _segments = segments;
        _direction = direction;
        _attributes = attributes;
    }

    /// <summary>What to give to the device: at most as many segments as there were blocks of memory.</summary>
    public ReadOnlySpan<DmaSegment> Segments => _segments;

    /// <summary>Ends the mapping.</summary>
    public void Dispose() => _context?.UnmapScatter(_memory, _segments, _direction, _attributes);
}
