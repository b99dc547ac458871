using System.Runtime.CompilerServices;
using Aperture.Core;

namespace Aperture.Dma.Memory;

/// <summary>A block of <see cref="CoherentBlocks"/>. Dispose it once to give it back.</summary>
public readonly struct CoherentBlock : IDisposable
{
    private readonly CoherentBlocks? _blocks;

    internal CoherentBlock(CoherentBlocks blocks, int number, int turn, MemoryBlock memory, Iova address)
    {
        _blocks = blocks;
        Number = number;
        Turn = turn;
        Memory = memory;
        Address = address;
    }

    /// <summary>The memory.</summary>
    public MemoryBlock Memory { get; }

    /// <summary>The bytes.</summary>
    public Span<byte> Span => Memory.Span;

    /// <summary>Where the device finds it.</summary>
    public Iova Address { get; }

    /// <summary>Which of all blocks it is.</summary>
    internal int Number { get; }

    /// <summary>Tells it from those who had the same block before and after.</summary>
    internal int Turn { get; }

    /// <summary>Gives the block back. The device must not use it any more.</summary>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: it was given back before.</exception>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    public void Dispose([CallerFilePath] string file = "", [CallerLineNumber] int line = 0) => _blocks?.Free(this, file, line);

    /// <summary>The end of a <c>using</c>, which has no line to tell.</summary>
    void IDisposable.Dispose() => Dispose("", 0);
}
