using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Dma.Operations;

namespace Aperture.Dma.Memory;

/// <summary>Ordinary cached memory with a streaming mapping that lasts as long as it: sync it around each use. Dispose it once.</summary>
public readonly record struct NoncoherentBuffer : IDisposable
{
    private readonly DmaContext? _context;
    private readonly AllocationSource _source;

    internal NoncoherentBuffer(DmaContext context, MemoryBlock memory, DmaMapping mapping, AllocationSource source)
    {
        _context = context;
        Memory = memory;
        Mapping = mapping;
        _source = source;
    }

    /// <summary>The memory.</summary>
    public MemoryBlock Memory { get; }

    /// <summary>Its mapping: the device address, and the sync calls. Not to be disposed by itself.</summary>
    public DmaMapping Mapping { get; }

    /// <summary>The bytes.</summary>
    public Span<byte> Span => Memory.Span;

    /// <summary>Shows all or a part of it to user space, as <see cref="CoherentBuffer.MapToUser"/> does. Whose turn it is, the syncs
    /// say.</summary>
    /// <inheritdoc cref="CoherentBuffer.MapToUser"/>
    public UserView MapToUser(int offset, int length, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        (_context ?? throw new ApertureException(Status.InvalidArgument, "there is no buffer"))
            .MapToUser(Memory, Mapping.Address, offset, length, file, line);

    /// <summary>Gives the memory back. The device must not use it any more.</summary>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    public void Dispose([CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        _context?.FreePages(this, _source, file, line);

    /// <summary>The end of a <c>using</c>, which has no line to tell.</summary>
    void IDisposable.Dispose() => Dispose("", 0);
}
