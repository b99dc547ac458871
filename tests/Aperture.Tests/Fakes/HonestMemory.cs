using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Dma;

namespace Aperture.Tests.Fakes;

/// <summary>RAM with or without a CPU cache in front. The cache holds all of it at any time: what is not cleaned never reaches a device, what
/// is not invalidated never reaches the CPU.</summary>
internal sealed unsafe class HonestMemory : SystemMemory, IDisposable
{
    public const ulong Base = 0x8000_0000;
    public const int Line = 64;

    private readonly PhysicalMemory _dram;
    private readonly PhysicalMemory _cache; // the CPU's view; the same memory without a cache
    private readonly PageAllocator _pages;
    private readonly bool _cached;

    public HonestMemory(bool cached, int bytes = 64 << 20)
    {
        _cached = cached;
        _dram = new PhysicalMemory(new MemoryRange(new PhysicalAddress(Base), (ulong)bytes));
        _cache = cached ? new PhysicalMemory(new MemoryRange(new PhysicalAddress(Base), (ulong)bytes)) : _dram;
        _pages = new PageAllocator(_dram);
        HighestAddress = new PhysicalAddress(Base + (ulong)bytes - 1);
    }

    public override PhysicalAddress LowestAddress => new(Base);

    public override PhysicalAddress HighestAddress { get; }

    public override bool NeedsMaintenance => _cached;

    public override int CacheAlignment => _cached ? Line : 1;

    public ulong FreePages => _pages.FreePages;

    public ulong TotalPages => _pages.TotalPages;

    /// <summary>What a device sees.</summary>
    public Span<byte> Dram(PhysicalAddress address, int length) => _dram.Span(address, length);

    public override bool Owns(PhysicalAddress address) => _dram.Contains(address, 1);

    public override bool TryAllocate(int bytes, PhysicalAddress highest, out MemoryBlock block)
    {
        block = default;
        var order = PageAllocator.OrderOf((ulong)bytes);
        if (!_pages.TryAllocate(order, highest, out var start))
            return false;
        _cache.TryGetPointer(start, (ulong)bytes, out var pointer);
        block = new MemoryBlock(pointer, start, bytes);
        _cache.Span(start, 4096 << order).Clear();
        return true;
    }

    public override void Free(MemoryBlock block) => _pages.Free(block.Address, PageAllocator.OrderOf((ulong)block.Length));

    public override void Clean(PhysicalAddress address, ulong length) => Copy(_cache, _dram, address, length);

    public override void Invalidate(PhysicalAddress address, ulong length)
    {
        if (!address.IsAligned(Line))
            Clean(address.AlignDown(Line), 1);
        if (!(address + length).IsAligned(Line))
            Clean((address + length).AlignDown(Line), 1);
        Copy(_dram, _cache, address, length);
    }

    public override void CleanInvalidate(PhysicalAddress address, ulong length) => Clean(address, length);

    public override MemoryBlock MakeUncached(MemoryBlock block)
    {
        Clean(block.Address, (ulong)block.Length);
        _dram.TryGetPointer(block.Address, (ulong)block.Length, out var pointer);
        return new MemoryBlock(pointer, block.Address, block.Length);
    }

    public override MemoryBlock MakeCached(MemoryBlock block)
    {
        Invalidate(block.Address, (ulong)block.Length);
        _cache.TryGetPointer(block.Address, (ulong)block.Length, out var pointer);
        return new MemoryBlock(pointer, block.Address, block.Length);
    }

    public void Dispose()
    {
        _dram.Dispose();
        _cache.Dispose();
    }

    private void Copy(PhysicalMemory from, PhysicalMemory to, PhysicalAddress address, ulong length)
    {
        if (!_cached || length == 0)
            return;
        var start = address.AlignDown(Line);
        var bytes = (int)((address + length).AlignUp(Line) - start);
        from.Span(start, bytes).CopyTo(to.Span(start, bytes));
    }
}
