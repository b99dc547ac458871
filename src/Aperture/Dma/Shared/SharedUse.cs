using System.Runtime.CompilerServices;

namespace Aperture.Dma.Shared;

/// <summary>A device's, or the CPU's, turn with a shared buffer. Dispose it when the work is done: the next in turn may have the bytes
/// then.</summary>
public sealed class SharedUse : IDisposable
{
    private readonly SharedBuffer _buffer;

    internal SharedUse(SharedBuffer buffer, DmaContext? user, DmaDirection direction)
    {
        _buffer = buffer;
        User = user;
        Direction = direction;
    }

    /// <summary>What the user does: reads (<see cref="DmaDirection.ToDevice"/>) beside other readers, or writes alone.</summary>
    public DmaDirection Direction { get; }

    /// <summary>Signalled when the turn is over.</summary>
    public DmaFence Done { get; } = new();

    /// <summary>Whose turn it is; null for the CPU's.</summary>
    internal DmaContext? User { get; }

    /// <summary>Ends the turn.</summary>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    public void Dispose([CallerFilePath] string file = "", [CallerLineNumber] int line = 0) => _buffer.End(this, file, line);

    /// <summary>The end of a <c>using</c>, which has no line to tell.</summary>
    void IDisposable.Dispose() => Dispose("", 0);
}
