namespace Aperture.Dma;

/// <summary>Ordinary cached memory with a streaming mapping that lasts as long as it: sync it around each use. Dispose it once.</summary>
public readonly record struct NoncoherentBuffer : IDisposable
{
    private readonly AllocationSource _source;

    internal NoncoherentBuffer(MemoryBlock memory, DmaMapping mapping, AllocationSource source)
    {
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

    /// <summary>Gives the memory back. The device must not use it any more.</summary>
    public void Dispose()
    {
        if (Memory.Length == 0)
            return;
        Mapping.Unmap(DmaAttributes.SkipCpuSync);
        _source.Free(Memory);
    }
}
