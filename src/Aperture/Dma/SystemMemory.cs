using Aperture.Core;

namespace Aperture.Dma;

/// <summary>Where drivers get memory that can be given to devices: a board's RAM, or pinned memory of a host.</summary>
public abstract class SystemMemory
{
    /// <summary>Allocates contiguous, zeroed memory, aligned to its size rounded up to a power of two pages.</summary>
    /// <param name="bytes">At least 1; rounded up to whole pages.</param>
    /// <param name="highest">The highest physical address that the last byte may have.</param>
    /// <param name="block">The memory, of the length asked for.</param>
    /// <returns>False when there is none; nothing was taken then.</returns>
    public abstract bool TryAllocate(int bytes, PhysicalAddress highest, out MemoryBlock block);

    /// <summary>Gives memory back.</summary>
    /// <param name="block">Exactly what <see cref="TryAllocate"/> gave.</param>
    public abstract void Free(MemoryBlock block);

    /// <summary>Allocates contiguous, zeroed memory anywhere.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NoMemory"/>.</exception>
    public MemoryBlock Allocate(int bytes) =>
        TryAllocate(bytes, new PhysicalAddress(ulong.MaxValue), out var block)
            ? block
            : throw new ApertureException(Status.NoMemory, $"no {bytes} bytes of contiguous memory are left");
}
