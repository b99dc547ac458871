using Aperture.Core;

namespace Aperture.Dma.Memory;

/// <summary>A part of an allocation as a user sees it. Dispose it before the allocation goes; when the allocation goes first, the view is
/// void.</summary>
public sealed class UserView : IDisposable
{
    private readonly DmaContext _context;
    private readonly MemoryBlock _memory;
    private volatile bool _isVoid; // disposed, or its buffer is gone

    internal UserView(DmaContext context, MemoryBlock memory, Iova buffer)
    {
        _context = context;
        _memory = memory;
        Buffer = buffer;
    }

    /// <summary>Bytes.</summary>
    public int Length => _memory.Length;

    /// <summary>The bytes.</summary>
    /// <exception cref="ApertureException"><see cref="Status.BadAddress"/>: the view was disposed, or its buffer is gone.</exception>
    public Span<byte> Span => _isVoid
        ? throw new ApertureException(Status.BadAddress,
        $"the user's view of the buffer at device address {Buffer} of {_context.DeviceName} is gone") : _memory.Span;

    /// <summary>Whether the bytes can be used no more.</summary>
    public bool IsVoid => _isVoid;

    /// <summary>Device address of the allocation that it shows.</summary>
    internal Iova Buffer { get; }

    /// <summary>Ends the view.</summary>
    public void Dispose()
    {
        if (!_isVoid)
            _context.UnmapFromUser(this);
        _isVoid = true;
    }

    internal void Revoke() => _isVoid = true;
}
