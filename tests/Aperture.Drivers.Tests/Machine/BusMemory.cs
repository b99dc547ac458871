using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Dma;

namespace Aperture.Drivers.Tests.Machine;

/// <summary>Driver memory from the upper half of a region of RAM, by a bump of the end; nothing is used twice, but what is taken is counted.</summary>
public sealed unsafe class BusMemory(PhysicalMemory memory, PhysicalAddress start, PhysicalAddress end) : SystemMemory
{
    private PhysicalAddress _next = start;

    public int Taken { get; private set; }

    public override bool TryAllocate(int bytes, PhysicalAddress highest, out MemoryBlock block)
    {
        block = default;
        var size = (ulong)(bytes + 4095) & ~4095UL;
        if (_next + size > end || _next + (size - 1) > highest || !memory.TryGetPointer(_next, size, out var pointer))
            return false;
        block = new MemoryBlock(pointer, _next, bytes);
        block.Span.Clear();
        _next += size;
        Taken++;
        return true;
    }

    public override void Free(MemoryBlock block)
    {
        block.Span.Fill(0xDD);
        Taken--;
    }
}
