using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Dma.Memory;

namespace Aperture.Boards;

/// <summary>A contiguous-memory area as drivers get it. It is RAM like any other, so that the board's memory maintains its
/// caches.</summary>
/// <param name="board">The board's memory.</param>
/// <param name="memory">The RAM.</param>
/// <param name="area">The area.</param>
internal sealed unsafe class AreaMemory(BoardMemory board, PhysicalMemory memory, ContiguousArea area) : SystemMemory
{
    public override PhysicalAddress LowestAddress => area.Range.Start;

    public override PhysicalAddress HighestAddress => area.Range.Last;

    public override bool NeedsMaintenance => board.NeedsMaintenance;

    public override int CacheAlignment => board.CacheAlignment;

    public override bool Owns(PhysicalAddress address) => area.Range.Contains(address, 1);

    public override bool Owns(PhysicalAddress address, ulong length) => area.Range.Contains(address, length);

    public override bool OwnsAny(PhysicalAddress address, ulong length) => area.Range.Overlaps(new MemoryRange(address, length));

    public override bool TryAllocate(int bytes, PhysicalAddress highest, out MemoryBlock block)
    {
        block = default;
        // Aligned to its size like any allocation, but at most to 1 MiB, so that a small area is not wasted.
        var alignment = Math.Min((ulong)PhysicalMemory.PageSize << PageAllocator.OrderOf((ulong)bytes), 1 << 20);
        if (!area.TryAllocate(PagesOf(bytes), alignment, highest, out var start)
            || !memory.TryGetPointer(start, (ulong)bytes, out var pointer))
            return false;
        block = new MemoryBlock(pointer, start, bytes);
        if (memory.Cache is { } cache)
            cache.Zero(start, (ulong)PagesOf(bytes) * PhysicalMemory.PageSize);
        else
            new Span<byte>(pointer, (int)Math.Min(int.MaxValue, (long)PagesOf(bytes) * PhysicalMemory.PageSize)).Clear();
        return true;
    }

    public override string Name => $"contiguous area '{area.Name}'";

    public override MemoryRoom? Measure(PhysicalAddress highest) => area.Measure(highest);

    protected override void Release(MemoryBlock block)
    {
        MakePrivate(block);
        area.Free(block.Address, PagesOf(block.Length));
    }

    public override void Clean(PhysicalAddress address, ulong length) => board.Clean(address, length);

    public override void Invalidate(PhysicalAddress address, ulong length) => board.Invalidate(address, length);

    public override void CleanInvalidate(PhysicalAddress address, ulong length) => board.CleanInvalidate(address, length);

    public override bool IsConfidential => board.IsConfidential;

    public override bool IsPrivate(PhysicalAddress address, ulong length) => board.IsPrivate(address, length);

    public override void Share(MemoryBlock block) => board.Share(block);

    public override void MakePrivate(MemoryBlock block) => board.MakePrivate(block);

    public override MemoryBlock MakeUncached(MemoryBlock block) => board.MakeUncached(block);

    public override MemoryBlock MakeCached(MemoryBlock block) => board.MakeCached(block);

    private static int PagesOf(int bytes) => (int)(((long)bytes + PhysicalMemory.PageSize - 1) / PhysicalMemory.PageSize);
}
