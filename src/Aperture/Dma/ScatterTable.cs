using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Dma.Memory;

namespace Aperture.Dma;

/// <summary>A scatterlist that stays mapped beyond the call that maps it, as a ring of frames needs: <see cref="DmaContext.MapScatter"/>
/// with places of its own. Used again and again; nothing is allocated after it was made.</summary>
/// <remarks>Not thread-safe.</remarks>
public sealed class ScatterTable
{
    private readonly MemoryBlock[] _memory;
    private readonly DmaSegment[] _segments;
    private DmaContext? _context;       // null while nothing is mapped
    private int _pieces;                // of memory
    private int _count;                 // of segments
    private DmaDirection _direction;
    private ulong _boundary;
    private MappingFlags _flags;
    private uint _serial;

    /// <summary>A table.</summary>
    /// <param name="capacity">The most pieces of memory; at least 1.</param>
    public ScatterTable(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        _memory = new MemoryBlock[capacity];
        _segments = new DmaSegment[capacity];
    }

    /// <summary>Whether something is mapped.</summary>
    public bool IsMapped => _context is not null;

    /// <summary>What to give to the device; empty while nothing is mapped.</summary>
    public ReadOnlySpan<DmaSegment> Segments => _segments.AsSpan(0, _count);

    /// <summary>Hands pieces of memory to the device. They need not be kept.</summary>
    /// <param name="context">The device's DMA API.</param>
    /// <param name="memory">The pieces; not more than the table's capacity.</param>
    /// <param name="direction">Which way the bytes go.</param>
    /// <param name="attributes">Wishes.</param>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <exception cref="ApertureException"><see cref="Status.Busy"/>: something is mapped; <see cref="Status.OutOfRange"/>: too many
    /// pieces; or as for
    /// <see cref="DmaContext.Map"/>. Nothing is mapped then.</exception>
    public void Map(
        DmaContext context,
        ReadOnlySpan<MemoryBlock> memory,
        DmaDirection direction,
        DmaAttributes attributes = DmaAttributes.None,
        [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (_context is not null)
            throw new ApertureException(Status.Busy, $"a scatter table of {_context.DeviceName} was mapped again before it was unmapped");
        if (memory.Length > _memory.Length)
            throw new ApertureException(
                Status.OutOfRange,
                $"{memory.Length} pieces for {context.DeviceName} do not fit into a scatter table of {_memory.Length}");
        memory.CopyTo(_memory);
        var mapping = context.MapScatter(_memory.AsSpan(0, memory.Length), _segments, direction, attributes, file, line);
        _pieces = memory.Length;
        _count = mapping.Segments.Length;
        _direction = direction;
        _boundary = mapping.Boundary;
        _flags = mapping.Flags;
        _serial = mapping.Serial;
        _context = context;
    }

    /// <summary>Gives all bytes to the CPU for a while.</summary>
    public void SyncForCpu([CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        _context?.SyncScatter(Mapping(_context), true, file, line);

    /// <summary>Gives all bytes back to the device.</summary>
    public void SyncForDevice([CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        _context?.SyncScatter(Mapping(_context), false, file, line);

    /// <summary>Ends the mapping; nothing happens while there is none.</summary>
    /// <param name="attributes"><see cref="DmaAttributes.SkipCpuSync"/>, or none.</param>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <exception cref="ArgumentOutOfRangeException">Other wishes; the mapping stands.</exception>
    /// <exception cref="ApertureException">As for <see cref="DmaMapping.Dispose"/>: it has ended all the same.</exception>
    public void Unmap(DmaAttributes attributes = DmaAttributes.None, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        DmaMapping.CheckUnmap(attributes);
        if (_context is not { } context)
            return;
        try
        {
            context.UnmapScatter(Mapping(context), attributes, file, line);
        }
        finally
        {
            _context = null;
            _count = 0;
            Array.Clear(_memory, 0, _pieces);
        }
    }

    private ScatterMapping Mapping(DmaContext context) =>
        new(context, _memory.AsSpan(0, _pieces), _segments.AsSpan(0, _count), _direction, _boundary, _flags, _serial);
}
