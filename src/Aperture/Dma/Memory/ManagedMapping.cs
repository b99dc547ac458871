using System.Buffers;
using System.Runtime.CompilerServices;
using Aperture.Core;

namespace Aperture.Dma.Memory;

/// <summary>A mapping of managed memory: pinned while it lasts, and mirrored in a bounce buffer where devices cannot reach the managed
/// heap. Dispose it once.</summary>
public readonly struct ManagedMapping : IDisposable
{
    private readonly MemoryHandle _pin;

    internal ManagedMapping(DmaMapping mapping, MemoryHandle pin)
    {
        Mapping = mapping;
        _pin = pin;
    }

    /// <summary>The mapping: the device address, and the sync calls, which copy to and from the bounce buffer. Not to be disposed by
    /// itself.</summary>
    public DmaMapping Mapping { get; }

    /// <summary>Ends the mapping: what the device wrote is copied back, and the memory may move again.</summary>
    /// <exception cref="ApertureException">As for <see cref="DmaMapping.Dispose"/>; the memory stays pinned then as long as the device may
    /// reach it.</exception>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    public void Dispose([CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        var told = Mapping.TryEnd(DmaAttributes.None, file, line);
        if (told != Status.Ok)
            throw KeepPinned(told);
        _pin.Dispose();
    }

    /// <summary>The end of a <c>using</c>, which has no line to tell.</summary>
    void IDisposable.Dispose() => Dispose("", 0);

    private ApertureException KeepPinned(Status told)
    {
        var pin = _pin;
        Mapping.WhenUnreachable(() => pin.Dispose());
        return Mapping.NotInvalidated(told);
    }
}
