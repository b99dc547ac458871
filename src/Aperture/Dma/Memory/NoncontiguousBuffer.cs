using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Dma.Operations;

namespace Aperture.Dma.Memory;

/// <summary>Cached memory in pieces that the device sees as one range. Sync it around each use. One object on the managed heap for
/// each.</summary>
public sealed class NoncontiguousBuffer : IDisposable
{
    private readonly DmaContext _context;
    private readonly MemoryBlock[] _pieces;
    private readonly ulong _mapped; // bytes of device addresses taken
    private readonly AllocationSource _source; // where the pieces go back to
    private bool _isGone;           // disposed

    internal NoncontiguousBuffer(DmaContext context, MemoryBlock[] pieces, Iova address, ulong mapped, int length, DmaDirection direction,
        AllocationSource source)
    {
        _context = context;
        _pieces = pieces;
        _mapped = mapped;
        _source = source;
        Address = address;
        Length = length;
        Direction = direction;
    }

    /// <summary>Where the device finds the first byte.</summary>
    public Iova Address { get; }

    /// <summary>Bytes.</summary>
    public int Length { get; }

    /// <summary>Which way the bytes go.</summary>
    public DmaDirection Direction { get; }

    /// <summary>The pieces, in the order in which the device sees them: whole pages, the last one cut to the length.</summary>
    public ReadOnlySpan<MemoryBlock> Pieces => _pieces;

    /// <summary>Gives all bytes to the CPU for a while. For parts, see <see cref="DmaContext.SyncForCpu"/>.</summary>
    public void SyncForCpu([CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        _context.SyncForCpu(Address, (ulong)Length, Direction, file, line);

    /// <summary>Gives all bytes back to the device.</summary>
    public void SyncForDevice([CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        _context.SyncForDevice(Address, (ulong)Length, Direction, file, line);

    /// <summary>Shows all or a part of a piece to user space, as <see cref="CoherentBuffer.MapToUser"/> does. Whose turn it is, the syncs
    /// say.</summary>
    /// <param name="piece">Number of the piece.</param>
    /// <param name="offset">The first byte, from the start of the piece.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <exception cref="ApertureException"><see cref="Status.OutOfRange"/>: not inside the piece.</exception>
    public UserView MapToUser(int piece, int offset, int length, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)piece, (uint)_pieces.Length);
        return _context.MapToUser(_pieces[piece], Address, offset, length, file, line);
    }

    /// <summary>Gives the memory back.</summary>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    public void Dispose([CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        if (_isGone)
            return;
        _isGone = true;
        _context.FreeNoncontiguous(this, _mapped, _source, file, line);
    }

    /// <summary>The end of a <c>using</c>, which has no line to tell.</summary>
    void IDisposable.Dispose() => Dispose("", 0);
}
