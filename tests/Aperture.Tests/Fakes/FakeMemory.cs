using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Core.PageTables;
using Aperture.Dma.Memory;

namespace Aperture.Tests.Fakes;

/// <summary>A mebibyte of RAM, at 0x8000_0000 unless said otherwise, given out from the bottom, freed into a list of equal sizes.</summary>
internal sealed unsafe class FakeMemory(ulong start = FakeMemory.Base) : SystemMemory, ITableMemory, IDisposable
{
    public const ulong Base = 0x8000_0000;

    private readonly Dictionary<int, Stack<ulong>> _free = [];
    private readonly ulong _end = start + (1 << 20);
    private ulong _next = start;

    public PhysicalMemory Memory { get; } = new([new MemoryRange(new PhysicalAddress(start), 1 << 20)]);

    /// <summary>Allocations that were not freed.</summary>
    public int Live { get; private set; }

    /// <summary>After how many more allocations one fails; negative for never.</summary>
    public int FailAfter { get; set; } = -1;

    public override bool TryAllocate(int bytes, PhysicalAddress highest, out MemoryBlock block)
    {
        block = default;
        if (!TryTake((bytes + 4095) & ~4095, out var address) || address + (ulong)bytes - 1 > highest.Value)
            return false;
        Memory.TryGetPointer(new PhysicalAddress(address), (ulong)bytes, out var pointer);
        block = new MemoryBlock(pointer, new PhysicalAddress(address), bytes);
        block.Span.Clear();
        return true;
    }

    protected override void Release(MemoryBlock block) => Give((block.Length + 4095) & ~4095, block.Address.Value);

    public bool TryAllocate(int bytes, int alignment, int addressBits, out PhysicalAddress table)
    {
        var size = Math.Max(bytes, alignment);
        table = default;
        if (!TryTake(size, out var address))
            return false;
        table = new PhysicalAddress(address);
        Memory.Span(table, bytes).Clear();
        return true;
    }

    public void Free(PhysicalAddress table, int bytes) => Give(bytes, table.Value);

    public void Clean(PhysicalAddress start, int bytes)
    {
    }

    public void Dispose() => Memory.Dispose();

    private bool TryTake(int size, out ulong address)
    {
        address = 0;
        if (FailAfter >= 0 && FailAfter-- == 0)
            return false;
        if (_free.TryGetValue(size, out var free) && free.TryPop(out address))
        {
            Live++;
            return true;
        }

        var place = (_next + (ulong)size - 1) / (ulong)size * (ulong)size;
        if (place + (ulong)size > _end)
            return false;
        _next = place + (ulong)size;
        address = place;
        Live++;
        return true;
    }

    private void Give(int size, ulong address)
    {
        if (!_free.TryGetValue(size, out var free))
            _free.Add(size, free = new Stack<ulong>());
        free.Push(address);
        Live--;
    }
}
