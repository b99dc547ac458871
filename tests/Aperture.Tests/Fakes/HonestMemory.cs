using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Dma.Memory;

namespace Aperture.Tests.Fakes;

/// <summary>RAM with or without modelled CPU caches in front, a page of it at a time.</summary>
internal sealed unsafe class HonestMemory : SystemMemory, IDisposable
{
    public const ulong Base = 0x8000_0000;
    public const int Line = 64;

    /// <summary>Memory behind a hole, which is not given out.</summary>
    public const ulong FarBase = 0xC000_0000;
    public const ulong FarBytes = 1 << 20;

    private readonly PageAllocator _pages;

    /// <param name="cached">Whether caches are in front.</param>
    /// <param name="bytes">How much RAM.</param>
    /// <param name="chaos">The seed with which lines come and go by themselves; null for none.</param>
    public HonestMemory(bool cached, int bytes = 64 << 20, int? chaos = null)
    {
        Ram = new PhysicalMemory(
            cached ? new CpuCacheOptions { LineSize = Line, ChaosSeed = chaos } : null,
            new MemoryRange(new PhysicalAddress(Base), (ulong)bytes), new MemoryRange(new PhysicalAddress(FarBase), FarBytes));
        _pages = new PageAllocator(Ram, new ReservedRegion("far", new MemoryRange(new PhysicalAddress(FarBase), FarBytes), true));
        HighestAddress = new PhysicalAddress(Base + (ulong)bytes - 1);
    }

    public PhysicalMemory Ram { get; }

    public override PhysicalAddress LowestAddress => new(Base);

    public override PhysicalAddress HighestAddress { get; }

    public override bool NeedsMaintenance => Ram.Cache is not null;

    public override bool Speculates => NeedsMaintenance;

    public override int CacheAlignment => Ram.Cache?.LineSize ?? 1;

    public ulong FreePages => _pages.FreePages;

    public ulong TotalPages => _pages.TotalPages;

    /// <summary>Allocations that were not freed.</summary>
    public int Live { get; private set; }

    /// <summary>After how many more allocations one fails; negative for never.</summary>
    public int FailAfter { get; set; } = -1;

    /// <summary>What a device sees.</summary>
    public Span<byte> Dram(PhysicalAddress address, int length)
    {
        Ram.Cache?.BeforeAccess(address, (ulong)length);
        return Ram.DramSpan(address, length);
    }

    public override MemoryRoom? Measure(PhysicalAddress highest) => _pages.Measure(highest);

    public override bool Owns(PhysicalAddress address) => Ram.Contains(address, 1);

    public override bool TryAllocate(int bytes, PhysicalAddress highest, out MemoryBlock block)
    {
        block = default;
        if (FailAfter >= 0 && FailAfter-- == 0)
            return false;
        var order = PageAllocator.OrderOf((ulong)bytes);
        if (!_pages.TryAllocate(order, highest, out var start))
            return false;
        Ram.TryGetPointer(start, (ulong)bytes, out var pointer);
        block = new MemoryBlock(pointer, start, bytes);
        if (Ram.Cache is { } cache)
            cache.Zero(start, 4096UL << order);
        else
            Ram.Span(start, 4096 << order).Clear();
        Live++;
        return true;
    }

    protected override void Release(MemoryBlock block)
    {
        MakePrivate(block);
        _pages.Free(block.Address, PageAllocator.OrderOf((ulong)block.Length));
        Live--;
    }

    public override void Clean(PhysicalAddress address, ulong length) => Ram.Cache?.Clean(address, length);

    public override void Invalidate(PhysicalAddress address, ulong length) => Ram.Cache?.Invalidate(address, length);

    public override void CleanInvalidate(PhysicalAddress address, ulong length) => Ram.Cache?.CleanInvalidate(address, length);

    public override bool IsConfidential => Ram.Private is not null;

    public override bool IsPrivate(PhysicalAddress address, ulong length) => Ram.Private?.IsPrivate(address, length) ?? false;

    public override void Share(MemoryBlock block) => Ram.Private?.Share(PagesOf(block));

    public override void MakePrivate(MemoryBlock block) => Ram.Private?.MakePrivate(PagesOf(block));

    public override bool TryJoin(ReadOnlySpan<MemoryBlock> pieces, out MemoryBlock view) => JoinPages(Ram, pieces, out view);

    public override void Split(MemoryBlock view) => SplitPages(Ram, view);

    public override MemoryBlock MakeUncached(MemoryBlock block)
    {
        if (Ram.Cache is not { } cache)
            return block;
        cache.MakeUncached(PagesOf(block));
        Ram.TryGetDramPointer(block.Address, (ulong)block.Length, out var pointer);
        return new MemoryBlock(pointer, block.Address, block.Length);
    }

    public override MemoryBlock MakeCached(MemoryBlock block)
    {
        if (Ram.Cache is not { } cache)
            return block;
        cache.MakeCached(PagesOf(block));
        Ram.TryGetPointer(block.Address, (ulong)block.Length, out var pointer);
        return new MemoryBlock(pointer, block.Address, block.Length);
    }

    public void Dispose() => Ram.Dispose();

    private static MemoryRange PagesOf(MemoryBlock block) => new(block.Address, ((ulong)block.Length + 4095) & ~4095UL);
}
