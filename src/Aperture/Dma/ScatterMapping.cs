using System.Runtime.CompilerServices;
using Aperture.Dma.Memory;

namespace Aperture.Dma;

/// <summary>A mapped scatterlist. The device's segments stand in the span that the caller gave; dispose it once.</summary>
public readonly ref struct ScatterMapping
{
    private readonly DmaContext? _context;

    internal ScatterMapping(DmaContext context, ReadOnlySpan<MemoryBlock> memory, ReadOnlySpan<DmaSegment> segments,
        DmaDirection direction, ulong boundary, MappingFlags flags, uint serial)
    {
        _context = context;
        Memory = memory;
        Segments = segments;
        Direction = direction;
        Boundary = boundary;
        Flags = flags;
        Serial = serial;
    }

    /// <summary>What to give to the device: at most as many segments as there were blocks of memory.</summary>
    public ReadOnlySpan<DmaSegment> Segments { get; }

    /// <summary>The pieces of memory.</summary>
    public ReadOnlySpan<MemoryBlock> Memory { get; }

    /// <summary>Which way the bytes go.</summary>
    public DmaDirection Direction { get; }

    internal ulong Boundary { get; } // as it was when the list was laid out

    internal MappingFlags Flags { get; }

    internal uint Serial { get; } // as of a single mapping

    /// <summary>Gives all bytes to the CPU for a while. For parts, see <see cref="DmaContext.SyncForCpu"/>.</summary>
    public void SyncForCpu([CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        _context?.SyncScatter(this, true, file, line);

    /// <summary>Gives all bytes back to the device.</summary>
    public void SyncForDevice([CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        _context?.SyncScatter(this, false, file, line);

    /// <summary>Ends the mapping.</summary>
    /// <inheritdoc cref="DmaMapping.Dispose"/>
    public void Dispose([CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        _context?.UnmapScatter(this, DmaAttributes.None, file, line);

    /// <summary>Ends the mapping, as <see cref="Dispose"/> does unless a wish is given.</summary>
    /// <inheritdoc cref="DmaMapping.Unmap"/>
    public void Unmap(DmaAttributes attributes = DmaAttributes.None, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        DmaMapping.CheckUnmap(attributes);
        _context?.UnmapScatter(this, attributes, file, line);
    }
}
