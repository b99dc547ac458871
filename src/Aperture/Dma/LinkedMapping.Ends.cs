using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Dma.Memory;

namespace Aperture.Dma;

// What is linked, and how it ends.
public sealed partial class LinkedMapping
{
    private (ulong First, ulong End)[] _runs = new (ulong, ulong)[4]; // of linked pages, from the start of the first, in no order
    private int _runCount;
    private ulong _runFirst; // and the one that grows; empty when it ends where it begins
    private ulong _runEnd;
    private Piece[] _pieces = [];   // what is linked, where it is remembered
    private int _pieceCount;

    private DmaContext Context => _context
        ?? throw new ApertureException(Status.InvalidArgument, "a linked mapping without device addresses was used: allocate it first");

    /// <summary>Ends links: the CPU owns their bytes again, and the device cannot reach them any more. The device addresses stay, for other
    /// memory.</summary>
    /// <param name="offset">Of the first byte, from <see cref="Address"/> on.</param>
    /// <param name="length">Bytes: of one link, or of several that follow each other without a hole, and all of each.</param>
    /// <param name="attributes"><see cref="DmaAttributes.SkipCpuSync"/>, or none.</param>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <exception cref="ArgumentOutOfRangeException">Other wishes, or no range of the mapping; all links stand.</exception>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: not all of it is linked, and all stands; or as for
    /// <see cref="DmaMapping.Dispose"/>.</exception>
    public void Unlink(ulong offset, ulong length, DmaAttributes attributes = DmaAttributes.None, [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
    {
        DmaMapping.CheckUnmap(attributes);
        var context = Context;
        if (length == 0 || offset > Length || length > Length - offset)
            throw new ArgumentOutOfRangeException(nameof(offset), offset,
                $"no range of 0x{length:x} bytes of the 0x{Length:x} at {Address}");
        var page = _operations.Granule - 1;
        var first = (_offset + offset) & ~page;
        var end = (_offset + offset + length + page) & ~page;
        var mapped = EndRun();
        if (mapped != Status.Ok || !IsLinked(first, end))
            throw context.NotLinked(Address + offset, length, mapped == Status.Ok ? Status.InvalidArgument : mapped);
        TellUnlinked(context, first, end, attributes, file, line);
        var told = _operations.Clear(_start + first, end - first);
        RemoveRuns(first, end);
        Finish(context, first, end, told, attributes);
    }

    /// <summary>Ends all links and gives the device addresses back; nothing happens without any. With deferred flush, when everything is
    /// linked without a hole, the device may reach the memory a little longer.</summary>
    /// <param name="attributes"><see cref="DmaAttributes.SkipCpuSync"/>, or none.</param>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <exception cref="ArgumentOutOfRangeException">Other wishes; all stands.</exception>
    /// <exception cref="ApertureException">As for <see cref="DmaMapping.Dispose"/>: it has ended all the same.</exception>
    public void Free(DmaAttributes attributes = DmaAttributes.None, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        DmaMapping.CheckUnmap(attributes);
        if (_context is not { } context)
            return;
        TellUnlinked(context, 0, _bytes, attributes, file, line);
        var told = EndRun();
        if (!_untold.IsEmpty)
            told = Worst(told, _domain.Commit(ref _untold)); // linked and never used
        if (_runCount == 1 && _runs[0] == (0, _bytes))
        {
            told = Worst(told, _operations.UnmapRange(_start, _bytes));
        }
        else
        {
            for (var i = 0; i < _runCount; i++)
                told = Worst(told, _operations.Clear(_start + _runs[i].First, _runs[i].End - _runs[i].First));

            _operations.Free(_start, _bytes);
        }

        _context = null;
        Length = 0;
        _runCount = 0;
        Finish(context, 0, _bytes, told, attributes);
    }

    /// <summary>Ends all links and gives the device addresses back.</summary>
    public void Dispose() => Free(DmaAttributes.None, "", 0);

    private static Status Worst(Status first, Status then) => first == Status.Ok ? then : first;

    private void Finish(DmaContext context, ulong first, ulong end, Status told, DmaAttributes attributes)
    {
        var kept = 0;
        for (var i = 0; i < _pieceCount; i++)
        {
            ref var piece = ref _pieces[i];
            if (!IsIn(piece, first, end))
                _pieces[kept++] = piece;
            else if (told == Status.Ok && piece.IsMemory && (attributes & DmaAttributes.SkipCpuSync) == 0)
                context.LinkForCpu(piece.Memory, piece.Direction);
        }

        Array.Clear(_pieces, kept, _pieceCount - kept);
        _pieceCount = kept;
        if (told != Status.Ok)
            throw context.NotInvalidated(_start + first, end - first, told);
    }

    private void TellUnlinked(DmaContext context, ulong first, ulong end, DmaAttributes attributes, string file, int line)
    {
        for (var i = 0; i < _pieceCount; i++)
        {
            if (IsIn(_pieces[i], first, end))
                context.TellLink(DmaEventKind.Unlink, _pieces[i].Serial, Address + _pieces[i].Offset, _pieces[i].Memory,
                    _pieces[i].Direction, attributes, file, line);
        }
    }

    private bool IsIn(in Piece piece, ulong first, ulong end) => _offset + piece.Offset >= first && _offset + piece.Offset < end;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Keep(in Piece piece, DmaAttributes attributes, string file, int line)
    {
        if (_pieceCount == _pieces.Length)
            Array.Resize(ref _pieces, Math.Max(16, 2 * _pieceCount));
        _pieces[_pieceCount++] = piece;
        var context = Context;
        if (piece.IsMemory && (attributes & DmaAttributes.SkipCpuSync) == 0)
            context.LinkForDevice(piece.Memory, piece.Direction);
        context.TellLink(DmaEventKind.Link, piece.Serial, Address + piece.Offset, piece.Memory, piece.Direction, attributes, file, line);
    }

    private Status EndRun()
    {
        var status = MapBatch();
        if (_runFirst != _runEnd)
            Put((_runFirst, _runEnd));
        (_runFirst, _runEnd, _batchEnd) = (0, 0, 0);
        return status;
    }

    private bool IsLinked(ulong first, ulong end)
    {
        ulong bytes = 0;
        for (var i = 0; i < _runCount; i++)
        {
            var (from, to) = (Math.Max(first, _runs[i].First), Math.Min(end, _runs[i].End));
            bytes += to > from ? to - from : 0;
        }

        return bytes == end - first;
    }

    private void RemoveRuns(ulong first, ulong end)
    {
        for (var i = _runCount - 1; i >= 0; i--)
        {
            var run = _runs[i];
            if (run.End <= first || run.First >= end)
                continue;
            _runs[i] = _runs[--_runCount];
            if (run.First < first)
                Put((run.First, first));
            if (run.End > end)
                Put((end, run.End));
        }
    }

    private void Put((ulong First, ulong End) run)
    {
        if (_runCount == _runs.Length)
            Array.Resize(ref _runs, 2 * _runCount);
        _runs[_runCount++] = run;
    }

    /// <summary>What was linked.</summary>
    private readonly record struct Piece(ulong Offset, MemoryBlock Memory, DmaDirection Direction, bool IsMemory, uint Serial);
}
