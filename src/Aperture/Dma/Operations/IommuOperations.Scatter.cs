using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Dma.Memory;

namespace Aperture.Dma.Operations;

// Scatterlists: one range of device addresses for the whole list.
internal sealed partial class IommuOperations
{
    public override Status MapScatter(
        DmaContext context,
        ReadOnlySpan<MemoryBlock> memory,
        Span<DmaSegment> segments,
        DmaDirection direction,
        DmaAttributes attributes,
        out int count,
        out bool isBounced)
    {
        count = 0;
        isBounced = false;
        var boundary = context.SegmentBoundary;
        var plan = new ScatterLayout(_page, boundary);
        foreach (var block in memory)
        {
            if (block.Length > 0)
                plan.Add(block, out _);
        }

        if (context.MinAlignMask > _page - 1)
            return Status.NotSupported; // no address from here could keep so many bits
        if (!TryAllocate(context, plan.Total, context.Limit, out var start))
            return Status.NoSpace;

        var ofRam = Rights(context, direction, attributes);
        var ofPeers = (ofRam & ~Protection.Cache) | Protection.Mmio;
        var rights = ofRam; // of the run
        var layout = new ScatterLayout(_page, boundary);
        // pieces that follow each other in memory as well are mapped in one go
        var run = (First: 0, At: start, Physical: default(PhysicalAddress), Bytes: 0UL);
        var gather = new InvalidationGather(); // the units are told once
        for (var i = 0; i < memory.Length; i++)
        {
            var block = memory[i];
            if (block.Length == 0)
                continue;
            var offset = block.Address.Value & (_page - 1);
            var at = start + layout.Add(block, out var pages);
            var own = context.IsPeer(block) ? ofPeers : ofRam;
            if (own == rights && at == run.At + run.Bytes && block.Address - offset == run.Physical + run.Bytes)
            {
                run.Bytes += pages;
            }
            else
            {
                var status = MapRun(run, rights, ref gather);
                if (status != Status.Ok)
                {
                    count = 0;
                    return TakeBack(memory[..run.First], start, plan.Total, boundary, status, ref gather);
                }

                run = (i, at, block.Address - offset, pages);
                rights = own;
            }

            var segment = new DmaSegment(at + offset, (ulong)block.Length);
            if (count > 0 && Joins(context, segments[count - 1], segment))
                segments[count - 1] = segments[count - 1] with { Length = segments[count - 1].Length + segment.Length };
            else
                segments[count++] = segment;
        }

        var last = MapRun(run, rights, ref gather);
        var mapped = last == Status.Ok ? memory : memory[..run.First];
        if (last == Status.Ok && !gather.IsEmpty)
            last = _domain.Commit(ref gather);
        if (last == Status.Ok)
            return Status.Ok;
        count = 0;
        return TakeBack(mapped, start, plan.Total, boundary, last, ref gather);
    }

    public override Status UnmapScatter(
        DmaContext context,
        ReadOnlySpan<MemoryBlock> memory,
        ReadOnlySpan<DmaSegment> segments,
        ulong boundary,
        bool isBounced)
    {
        var start = segments[0].Address.AlignDown(_page);
        var plan = new ScatterLayout(_page, boundary);
        foreach (var block in memory)
        {
            if (block.Length > 0)
                plan.Add(block, out _);
        }

        if (_queue is not null)
            return _queue.Unmap(this, memory, start, plan.Total, boundary);

        var gather = new InvalidationGather();
        var isWhole = UnmapPieces(memory, start, boundary, ref gather);
        var told = _domain.Commit(ref gather);
        if (!isWhole)
            throw PartialUnmap(start, plan.Total, 0, Status.InvalidArgument);
        if (told == Status.Ok)
            _space.Free(start, plan.Total);
        else
            FreeLater(start, plan.Total);
        return told;
    }

    /// <summary>Maps pieces that follow each other.</summary>
    private Status MapRun(
        (int First, Iova At, PhysicalAddress Physical, ulong Bytes) run, Protection rights, ref InvalidationGather gather) =>
        run.Bytes == 0 ? Status.Ok : _domain.Map(run.At, run.Physical, run.Bytes, rights, ref gather);

    /// <summary>Unmaps the pieces that were mapped before something failed, and gives the device addresses back.</summary>
    /// <returns>What failed.</returns>
    private Status TakeBack(
        ReadOnlySpan<MemoryBlock> mapped,
        Iova start,
        ulong total,
        ulong boundary,
        Status failed,
        ref InvalidationGather gather)
    {
        var isWhole = UnmapPieces(mapped, start, boundary, ref gather);
        _domain.Commit(ref gather);
        // Device addresses whose pages are still in the tables must never be given out again.
        if (isWhole)
            Free(start, total);
        return failed;
    }

    /// <summary>Removes the pages of all pieces.</summary>
    /// <returns>Whether all were there.</returns>
    internal bool UnmapPieces(ReadOnlySpan<MemoryBlock> memory, Iova start, ulong boundary, ref InvalidationGather gather)
    {
        var layout = new ScatterLayout(_page, boundary);
        var isWhole = true;
        ulong from = 0, to = 0; // pieces that follow each other without a gap are removed in one go
        foreach (var block in memory)
        {
            if (block.Length == 0)
                continue;
            var at = layout.Add(block, out var pages);
            if (at != to)
            {
                isWhole &= Remove(start + from, to - from, ref gather);
                from = at;
            }

            to = at + pages;
        }

        return isWhole & Remove(start + from, to - from, ref gather);
    }

    private bool Remove(Iova start, ulong bytes, ref InvalidationGather gather)
    {
        if (bytes == 0)
            return true;
        _domain.Unmap(start, bytes, ref gather, out var unmapped);
        return unmapped == bytes;
    }

    /// <summary>Whether a segment goes on where the last one ends, within the device's limits for one segment.</summary>
    private static bool Joins(DmaContext context, DmaSegment last, DmaSegment next) =>
        last.Address + last.Length == next.Address
        && (next.Address.Value & context.SegmentBoundary) != 0
        && (next.Address.Value & ~context.SegmentBoundary) == ((next.Address.Value + (next.Length - 1)) & ~context.SegmentBoundary)
        && last.Length + next.Length <= context.MaxSegmentSize;
}
