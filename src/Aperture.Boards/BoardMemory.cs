using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Dma.Memory;

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
    public override bool NeedsMaintenance => _pages.Memory.Cache is not null;

    /// <inheritdoc/>
    public override bool Speculates => NeedsMaintenance;

    /// <inheritdoc/>
    public override int CacheAlignment => _pages.Memory.Cache?.LineSize ?? 1;

    /// <inheritdoc/>
    public override PhysicalAddress LowestAddress => _pages.Memory.Regions.First().Start;

    /// <inheritdoc/>
    public override PhysicalAddress HighestAddress => _pages.Memory.Regions.Last().Last;

    /// <inheritdoc/>
    public override bool Owns(PhysicalAddress address) => _pages.Memory.Contains(address, 1);

    /// <inheritdoc/>
    public override bool Owns(PhysicalAddress address, ulong length) => _pages.Memory.Contains(address, length);

    /// <inheritdoc/>
    public override bool OwnsAny(PhysicalAddress address, ulong length) => _pages.Memory.Overlaps(new MemoryRange(address, length));

    /// <inheritdoc/>
    public override bool TryAllocate(int bytes, PhysicalAddress highest, out MemoryBlock block)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1);
        var order = PageAllocator.OrderOf((ulong)bytes);
        if (!_pages.TryAllocate(order, highest, out var start) || !_pages.Memory.TryGetPointer(start, (ulong)bytes, out var pointer))
        {
            block = default;
            return false;
        }

        block = new MemoryBlock(pointer, start, bytes);
        if (_pages.Memory.Cache is { } cache)
            cache.Zero(start, (ulong)PhysicalMemory.PageSize << order);
        else
            new Span<byte>(pointer, (int)Math.Min(int.MaxValue, (ulong)PhysicalMemory.PageSize << order)).Clear();
        return true;
    }

    /// <inheritdoc/>
    public override string Name => "the board's memory";

    /// <inheritdoc/>
    public override MemoryRoom? Measure(PhysicalAddress highest) => _pages.Measure(highest);

    /// <inheritdoc/>
    protected override void Release(MemoryBlock block)
    {
        MakePrivate(block);
        _pages.Free(block.Address, PageAllocator.OrderOf((ulong)block.Length));
    }

    /// <inheritdoc/>
    public override bool IsConfidential => _pages.Memory.Private is not null;

    /// <inheritdoc/>
    public override bool IsPrivate(PhysicalAddress address, ulong length) => _pages.Memory.Private?.IsPrivate(address, length) ?? false;

    /// <inheritdoc/>
    public override void Share(MemoryBlock block) => _pages.Memory.Private?.Share(PagesOf(block));

    /// <inheritdoc/>
    public override void MakePrivate(MemoryBlock block) => _pages.Memory.Private?.MakePrivate(PagesOf(block));

    /// <inheritdoc/>
    public override void Clean(PhysicalAddress address, ulong length) => _pages.Memory.Cache?.Clean(address, length);

    /// <inheritdoc/>
    public override void Invalidate(PhysicalAddress address, ulong length) => _pages.Memory.Cache?.Invalidate(address, length);

    /// <inheritdoc/>
    public override void CleanInvalidate(PhysicalAddress address, ulong length) => _pages.Memory.Cache?.CleanInvalidate(address, length);

    /// <inheritdoc/>
    public override bool TryJoin(ReadOnlySpan<MemoryBlock> pieces, out MemoryBlock view) => JoinPages(_pages.Memory, pieces, out view);

    /// <inheritdoc/>
    public override void Split(MemoryBlock view) => SplitPages(_pages.Memory, view);

    /// <inheritdoc/>
    public override MemoryBlock MakeUncached(MemoryBlock block)
    {
        if (_pages.Memory.Cache is not { } cache)
            return block;
        cache.MakeUncached(PagesOf(block));
        _pages.Memory.TryGetDramPointer(block.Address, (ulong)block.Length, out var pointer);
        return new MemoryBlock(pointer, block.Address, block.Length);
    }

    /// <inheritdoc/>
    public override MemoryBlock MakeCached(MemoryBlock block)
    {
        if (_pages.Memory.Cache is not { } cache)
            return block;
        cache.MakeCached(PagesOf(block));
        _pages.Memory.TryGetPointer(block.Address, (ulong)block.Length, out var pointer);
        return new MemoryBlock(pointer, block.Address, block.Length);
    }

    private static MemoryRange PagesOf(MemoryBlock block) =>
        new(block.Address, ((ulong)block.Length + PhysicalMemory.PageSize - 1) & ~(ulong)(PhysicalMemory.PageSize - 1));
}
