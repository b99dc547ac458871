using Aperture.Core;
using Aperture.Dma.Memory;

namespace Aperture.Conformance.Drivers;

/// <summary>A machine without memory for DMA: recorded calls never ask for any.</summary>
internal sealed class NoSystemMemory : SystemMemory
{
    /// <inheritdoc/>
    public override bool TryAllocate(int bytes, PhysicalAddress highest, out MemoryBlock block)
    {
        block = default!;
        return false;
    }

    /// <inheritdoc/>
    protected override void Release(MemoryBlock block) =>
        throw new ApertureException(Status.InvalidArgument, "no memory was ever given out here");
}
