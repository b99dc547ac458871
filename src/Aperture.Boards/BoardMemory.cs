using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Dma;

namespace Aperture.Boards;

/// <summary>A board's RAM as drivers get it: contiguous blocks of pages.</summary>
public sealed unsafe class BoardMemory : SystemMemory
{
    private readonly PageAllocator _pages;

    /// <summary>Memory from a page allocator.</summary>
    public BoardMemory(PageAllocator pages)
    {
        ArgumentNullException.ThrowIfNull(pages);
        _pages = pages;
    }

    /// <inheritdoc/>
    public override bool TryAllocate(int bytes, PhysicalAddress highest, out MemoryBlock block)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1);
        if (!_pages.TryAllocate(PageAllocator.OrderOf((ulong)bytes), highest, out var start) || !_pages.Memory.TryGetPointer(start, (ulong)bytes, out var pointer))
        {
            block = default;
            return false;
        }

        block = new MemoryBlock(pointer, start, bytes);
        new Span<byte>(pointer, (int)Math.Min(int.MaxValue, (ulong)PhysicalMemory.PageSize << PageAllocator.OrderOf((ulong)bytes))).Clear();
        return true;
    }

    /// <inheritdoc/>
    public override void Free(MemoryBlock block) => _pages.Free(block.Address, PageAllocator.OrderOf((ulong)block.Length));
}
