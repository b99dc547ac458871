using Aperture.Core;
using Aperture.Dma.Memory;

namespace Aperture.Dma.Operations;

/// <summary>Memory on its way into a mapping. Operations that let the device use other memory instead put that here.</summary>
internal unsafe struct DmaSource
{
    /// <summary>Contiguous memory.</summary>
    public DmaSource(MemoryBlock block)
    {
        Pointer = block.Pointer;
        Physical = block.Address;
        Length = (ulong)block.Length;
    }

    /// <summary>Memory that the CPU has no view of.</summary>
    public DmaSource(PhysicalAddress physical, ulong length)
    {
        Pointer = null;
        Physical = physical;
        Length = length;
    }

    /// <summary>Memory of the managed heap, pinned: its address is the host's.</summary>
    public DmaSource(byte* pointer, ulong length)
    {
        Pointer = pointer;
        Physical = new PhysicalAddress((ulong)pointer);
        Length = length;
    }

    /// <summary>Where the CPU finds it; null for raw page frames, which cannot be copied.</summary>
    public byte* Pointer { get; }

    /// <summary>The physical address that the device's accesses go to.</summary>
    public PhysicalAddress Physical { get; set; }

    /// <summary>Bytes.</summary>
    public ulong Length { get; }

    /// <summary>Whether the device uses a bounce buffer instead.</summary>
    public bool IsBounced { get; set; }
}
