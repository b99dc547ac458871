using System.Numerics;
using System.Runtime.CompilerServices;
using Aperture.Core;

namespace Aperture.Dma.Memory;

/// <summary>Coherent memory in many small blocks of one size, as descriptors need: they are cut out of whole pages, which stay until the
/// end.</summary>
/// <remarks>Thread-safe. The block that came back last is given out first. Nothing is allocated on the managed heap while there are free
/// blocks.</remarks>
public sealed class CoherentBlocks : IDisposable
{
    private readonly Lock _lock = new();                  // guards everything here
    private readonly DmaContext _context;
    private readonly List<CoherentBuffer> _buffers = [];
    private readonly int[] _offsets;                      // of the blocks in a buffer
    private readonly int _bytes;                          // of a buffer
    private readonly string _file;                        // where this was made
    private readonly int _line;
    // by number of the block, those of the first buffer, of the second, ...: counts takes and returns, odd while it is out
    private int[] _turns = [];
    private int[] _free = [];                             // a stack of numbers
    private int _freeCount;
    private bool _isGone;                                 // disposed

    /// <summary>Blocks; there is no memory before the first is asked for.</summary>
    /// <param name="context">The device's DMA API.</param>
    /// <param name="bytes">Bytes of a block, at least 1.</param>
    /// <param name="alignment">They start at a multiple of this power of two.</param>
    /// <param name="boundary">No block crosses a multiple of this power of two, at least the size rounded up to the alignment; 0 for
    /// none.</param>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is not in its range.</exception>
    public CoherentBlocks(DmaContext context, int bytes, int alignment = 1, int boundary = 0, [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1);
        if (!BitOperations.IsPow2(alignment))
            throw new ArgumentOutOfRangeException(nameof(alignment), alignment, "not a power of two");
        var step = (bytes + (alignment - 1)) & ~(alignment - 1);
        if (step < bytes)
            throw new ArgumentOutOfRangeException(nameof(bytes), bytes, "too large for this alignment");
        if (boundary != 0 && (boundary < step || !BitOperations.IsPow2(boundary)))
            throw new ArgumentOutOfRangeException(nameof(boundary), boundary,
                $"not a power of two of at least the {step} bytes of an aligned block");
        _context = context;
        (_file, _line) = (file, line);
        Length = bytes;
        _bytes = Math.Max(step, 4096);
        _offsets = [.. Layout(step, boundary == 0 ? _bytes : Math.Min(boundary, _bytes))];
    }

    /// <summary>Bytes of a block.</summary>
    public int Length { get; }

    /// <summary>Blocks that are out.</summary>
    public int Used
    {
        get
        {
            lock (_lock)
                return _turns.Length - _freeCount;
        }
    }

    /// <summary>Takes a zeroed block.</summary>
    /// <exception cref="ApertureException">As for <see cref="DmaContext.Allocate"/>; <see cref="Status.NoDevice"/>: the blocks are
    /// disposed.</exception>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    public CoherentBlock Allocate([CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        CoherentBlock block;
        lock (_lock)
        {
            if (_isGone)
                throw new ApertureException(Status.NoDevice, $"the blocks of {Length} bytes of {_context.DeviceName} are gone");
            if (_freeCount == 0)
                Grow();
            var number = _free[--_freeCount];
            var buffer = _buffers[number / _offsets.Length];
            var offset = _offsets[number % _offsets.Length];
            block = new CoherentBlock(this, number, ++_turns[number], buffer.Memory.Slice(offset, Length), buffer.Address + (ulong)offset);
        }

        block.Span.Clear();
        _context.TellBlock(DmaEventKind.TakeBlock, block, file, line);
        return block;
    }

    /// <summary>Gives all memory back.</summary>
    /// <exception cref="ApertureException"><see cref="Status.Busy"/>: blocks are out.</exception>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    public void Dispose([CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        lock (_lock)
        {
            if (_freeCount < _turns.Length)
                throw new ApertureException(Status.Busy,
                    $"{_turns.Length - _freeCount} blocks of {Length} bytes of {_context.DeviceName} are out");
            _isGone = true;
            foreach (var buffer in _buffers)
                buffer.Dispose(file, line);
            _buffers.Clear();
            _turns = [];
            _freeCount = 0;
        }
    }

    /// <summary>The end of a <c>using</c>, which has no line to tell.</summary>
    void IDisposable.Dispose() => Dispose("", 0);

    internal void Free(in CoherentBlock block, string file, int line)
    {
        lock (_lock)
        {
            if (block.Number >= _turns.Length || _turns[block.Number] != block.Turn)
                throw new ApertureException(Status.InvalidArgument,
                    $"the block of {Length} bytes at device address {block.Address} of {_context.DeviceName} was given back before");
            _context.TellBlock(DmaEventKind.GiveBlock, block, file, line); // before somebody else takes it
            _turns[block.Number]++;
            _free[_freeCount++] = block.Number;
        }
    }

    private IEnumerable<int> Layout(int step, int boundary)
    {
        var next = boundary;
        for (var offset = 0; offset <= _bytes - step; offset += step)
        {
            if (offset + step > next)
            {
                offset = next;
                next += boundary;
                if (offset > _bytes - step)
                    yield break;
            }

            yield return offset;
        }
    }

    private void Grow()
    {
        _buffers.Add(_context.Allocate(_bytes, DmaAttributes.None, _file, _line));
        var first = _turns.Length;
        Array.Resize(ref _turns, first + _offsets.Length);
        Array.Resize(ref _free, _turns.Length);
        for (var i = _turns.Length - 1; i >= first; i--)
            _free[_freeCount++] = i; // the lowest comes first
    }
}
