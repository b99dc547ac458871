using Aperture.Dma.Bounce;
using Aperture.Dma.Memory;

namespace Aperture.Dma.Operations;

/// <summary>Where an allocation came from and must go back to.</summary>
/// <param name="Memory">The memory; null for slots of a bounce pool.</param>
/// <param name="Pool">The bounce pool; null for memory.</param>
/// <param name="IsUncached">Whether it was taken out of the CPU's caches.</param>
/// <param name="Pieces">Of memory that was gathered: the pieces of it; null for one piece.</param>
internal readonly record struct AllocationSource(SystemMemory? Memory, BouncePool? Pool, bool IsUncached, MemoryBlock[]? Pieces = null)
{
    public unsafe void Free(MemoryBlock block)
    {
        if (Pieces is not null)
        {
            if (block.Pointer is not null)
                Memory!.Split(block);
            foreach (var piece in Pieces)
                (this with { Pieces = null }).Free(piece);
        }
        else if (Pool is not null)
        {
            if (IsUncached)
                Pool.Source.MakeCached(block);
            Pool.Release(block.Address);
        }
        else if (IsUncached)
        {
            Memory!.FreeUncached(block, "", 0);
        }
        else
        {
            Memory!.Free(block, "", 0);
        }
    }
}
