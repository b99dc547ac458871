using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Dma.Memory;

namespace Aperture.Drivers.Tests.Machine;

/// <summary>Driver memory from a range of RAM, by a bump of the end; memory is used again only when all of it was given back.</summary>
public sealed unsafe class BusMemory(PhysicalMemory memory, MemoryRange range) : SystemMemory
{
    private ulong _used;

    public int Taken { get; private set; }

    public override bool TryAllocate(int bytes, PhysicalAddress highest, out MemoryBlock block)
    {
        block = default;
        var size = (ulong)(bytes + 4095) & ~4095UL;
        var address = range.Start + _used;
        if (size > range.Length - _used || address + (size - 1) > highest || !memory.TryGetPointer(address, size, out var pointer))
            return false;
        block = new MemoryBlock(pointer, address, bytes);
        block.Span.Clear();
        _used += size;
        Taken++;
        return true;
    }

    protected override void Release(MemoryBlock block)
    {
        block.Span.Fill(0xDD);
        if (--Taken == 0)
            _used = 0;
    }
}
