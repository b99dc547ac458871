using System.Numerics;
using Aperture.Conformance.Drivers;
using Aperture.Conformance.Vectors;
using Aperture.Core;
using Aperture.Core.PageTables;

namespace Aperture.Conformance.Tables;

/// <content>Map and unmap, and where ours and theirs may differ.</content>
public sealed partial class TableReplay
{
    private List<TableLeaf> _recordedBefore = []; // the recorded leaves before the call

    /// <summary>Bytes that a call is about.</summary>
    private static ulong SizeOf(VectorEvent call)
    {
        if (call.Has("size"))
            return (ulong)call.Count64("size");
        return (ulong)call.Count64("pgsize") * (ulong)call.Count64("pgcount");
    }

    private void Map(RecordedCall call)
    {
        var (line, table) = (call.Api, Table(call.Api));
        var (iova, address, size) = (line.Hex("iova"), line.Hex("pa"), SizeOf(line));
        if (IsMisfit(line, table))
        {
            Part.Check(call.Result < 0, call.Line, () => "a page size that ours has, too", () => "none");
            Deviate(Rules.PageSizeArgument);
            return;
        }

        if (call.Result == 0 && line.Has("mapped") && (ulong)line.Count64("mapped") is var mapped && mapped < size)
            size = EndOfRun(call, table, iova, mapped);

        var (before, tables) = (OurTree.Leaves(), OurTables());
        var gather = new InvalidationGather();
        OfferTables(iova, size, call);
        var status = MapPages(line, table, iova, address, size, RecordedCall.ProtectionOf(line), ref gather);
        CheckInvalidated(call, before, tables, gather);
        table.FreeGathered(ref gather);
        var after = OurTree.Leaves();
        if (status != Status.Ok)
            Part.Check(
                before.SequenceEqual(after), call.Line, () => "a failed map that changes nothing", () => "other mappings than before");
        var isOverlap = status == Status.AlreadyExists && before.Exists(leaf => Overlaps(leaf, iova, size));
        var differs = !SameLeaves(RecordedTree.Leaves(), after);
        if (isOverlap && call.Result == 0)
            Deviate(Rules.OverlapRefused);
        else if (isOverlap && call.Result == (long)status && differs)
            Deviate(IsPartOf(call) ? Rules.FailedMapUndone : Rules.OverlapRefused);
        else if (Part.CheckNumber(call.Line, "the map gives", call.Result, (long)status))
            return; // what is mapped the comparison of the tables tells
        Follow(call);
    }

    /// <summary>Whether a driver-level call failed after some of its pages.</summary>
    private static bool IsPartOf(RecordedCall call) => call.Result < 0 && call.Api.Has("mapped") && call.Api.Count64("mapped") > 0;

    /// <summary>Maps with the page size that a driver-level call names, and as a whole otherwise.</summary>
    private static Status MapPages(
        VectorEvent line, ReplayedTable table, ulong iova, ulong address, ulong size, Protection protection, ref InvalidationGather gather)
    {
        var step = line.Has("pgsize") && LargestFit(table, iova, address, size) > (ulong)line.Count64("pgsize")
            ? (ulong)line.Count64("pgsize")
            : size;
        ulong mapped = 0;
        do
        {
            var status = table.Map(new Iova(iova + mapped), new PhysicalAddress(address + mapped), step, protection, ref gather);
            if (status != Status.Ok)
            {
                if (mapped != 0)
                    table.Unmap(new Iova(iova), mapped, ref gather, out _);
                return status;
            }

            mapped += step;
        }
        while (mapped < size);
        return Status.Ok;
    }

    /// <summary>The largest page that would be used somewhere in a range.</summary>
    private static ulong LargestFit(ReplayedTable table, ulong iova, ulong address, ulong size)
    {
        for (var sizes = table.Format.PageSizes; sizes != 0;)
        {
            var page = 1UL << BitOperations.Log2(sizes);
            sizes &= ~page;
            var first = (iova + page - 1) & ~(page - 1);
            if (((iova ^ address) & (page - 1)) == 0 && first >= iova && first - iova <= size && page <= size - (first - iova))
                return page;
        }

        return 0;
    }

    private void Unmap(RecordedCall call)
    {
        var (line, table) = (call.Api, Table(call.Api));
        var (iova, size) = (line.Hex("iova"), SizeOf(line));
        if (IsMisfit(line, table))
        {
            Part.CheckNumber(call.Line, "bytes unmapped", call.Result, 0);
            Deviate(Rules.PageSizeArgument);
            return;
        }

        if (line.Has("pgsize") && (ulong)call.Result < size && call.Result > 0 && IsEndOfTable(table, line, iova + (ulong)call.Result))
            size = EndOfRun(call, table, iova, (ulong)call.Result);

        var (before, tables) = (OurTree.Leaves(), OurTables());
        var should = IsInRange(table, iova, size) ? Mapped(before, iova, size) : 0;
        var gather = new InvalidationGather();
        OfferTables(iova, size, call);
        table.Unmap(new Iova(iova), size, ref gather, out var got);
        CheckInvalidated(call, before, tables, gather);
        table.FreeGathered(ref gather);
        if (!Part.Check(should == got, call.Line, () => $"{should} bytes unmapped: to the first hole, exactly", () => $"{got}"))
            return;

        var differs = (ulong)call.Result != got || !SameLeaves(RecordedTree.Leaves(), OurTree.Leaves());
        var cut = _recordedBefore.Where(leaf => Overlaps(leaf, iova, size) && (leaf.IsTorn || !IsInside(leaf, iova, size))).ToList();
        if (differs && cut.Count > 0 && _family.RemovesWholePages)
            Deviate(Rules.PartOfPage);
        else if (differs && (ulong)call.Result == got && cut.Exists(leaf => IsLossy(leaf, iova, size)))
            Deviate(Rules.SectionKeepsAddress);
        else if (got < size
            && ((ulong)call.Result > got || Holes.IsInPage(table.Format.PageSizes, iova + (ulong)call.Result, iova + got, iova + size)))
            Deviate(Rules.HoleEndsUnmap);
        else if (Part.CheckNumber(call.Line, "bytes unmapped", call.Result, (long)got))
            return;
        Follow(call);
    }

    /// <summary>Whether the recorded library loses the addresses of what is left of a page.</summary>
    private bool IsLossy(TableLeaf leaf, ulong iova, ulong size) =>
        _family.LossyPageShift != 0 && leaf.PageShift >= _family.LossyPageShift
        && ((leaf.Iova < iova && (iova & ((1UL << _family.LossyPageShift) - 1)) != 0)
            || (leaf.End > iova + size && ((iova + size) & ((1UL << _family.LossyPageShift) - 1)) != 0));

    /// <summary>A driver-level call ends with the table that it works in; ours is asked for just as much.</summary>
    private ulong EndOfRun(RecordedCall call, ReplayedTable table, ulong iova, ulong done)
    {
        Part.Check(
            IsEndOfTable(table, call.Api, iova + done),
            call.Line,
            () => $"a call that ends with its table at 0x{iova + done:x}",
            () => "a place inside a table");
        Deviate(Rules.RunEndsWithTable);
        return done;
    }

    private static bool IsEndOfTable(ReplayedTable table, VectorEvent line, ulong end)
    {
        var level = table.Format.LevelOfPage(BitOperations.Log2((ulong)line.Count64("pgsize")));
        return (end & ((1UL << (table.Format.Shift(level) + table.Format.IndexBits(level))) - 1)) == 0
            || (end & (1UL << table.Format.Shift(level)) - 1) == 0 && IsEndOfPart(table, level, end);
    }

    /// <summary>Whether an address ends one of the pages that a root of several pages consists of.</summary>
    private static bool IsEndOfPart(ReplayedTable table, int level, ulong end)
    {
        var below = table.Format.IndexBits(table.Format.Levels - 1);
        return level == 0 && table.Format.IndexBits(0) > below && (end & ((1UL << (table.Format.Shift(0) + below)) - 1)) == 0;
    }

    /// <summary>Brings our mappings in line with the recorded ones, by calls as any caller could make them.</summary>
    private void Follow(RecordedCall call)
    {
        _hasFollowed = true;
        var table = Table(call.Api);
        var gather = new InvalidationGather();
        var wanted = RecordedTree.Leaves();
        var have = OurTree.Leaves();
        foreach (var leaf in have.Except(wanted, SameMapping.Instance))
            table.Unmap(new Iova(leaf.Iova), 1UL << leaf.Shift, ref gather, out _);
        table.FreeGathered(ref gather);
        OfferTables(0, 0, call);
        foreach (var leaf in wanted.Except(have, SameMapping.Instance))
        {
            var status = table.Map(new Iova(leaf.Iova), new PhysicalAddress(leaf.Address), 1UL << leaf.Shift, leaf.Protection, ref gather);
            if (status != Status.Ok)
                Part.Fail(call.Line, $"to follow the recorded mapping of 0x{leaf.Iova:x}", $"{status}");
        }

        table.FreeGathered(ref gather);
    }

    /// <summary>Offers the recorded tables that ours lacks: those of the call as it allocated them, those of its range, and all others as
    /// a walk meets them.</summary>
    private void OfferTables(ulong iova, ulong size, RecordedCall call)
    {
        _memory.WithdrawOffers();
        var offered = new HashSet<ulong>(_memory.Used.Keys);
        var last = size == 0 ? iova : iova + size - 1;
        var allocated = call.Of("alloc").Select(alloc => (Address: alloc.Hex("pa"), Bytes: alloc.Count("size")));
        foreach (var (address, bytes) in allocated.Concat(RecordedTree.Tables(iova, last)).Concat(RecordedTree.Tables(0, ulong.MaxValue)))
        {
            if (_recorded.Blocks.GetValueOrDefault(address) == bytes && offered.Add(address))
                _memory.Offer(address, bytes);
        }
    }

    /// <summary>Whether a driver-level call does not fit the page size that it names.</summary>
    private static bool IsMisfit(VectorEvent call, ReplayedTable table)
    {
        if (!call.Has("pgsize"))
            return false;
        var (size, count) = ((ulong)call.Count64("pgsize"), call.Count64("pgcount"));
        var address = call.Hex("iova") | (call.Has("pa") ? call.Hex("pa") : 0);
        return count == 0 || !BitOperations.IsPow2(size) || (table.Format.PageSizes & size) == 0 || (address & (size - 1)) != 0;
    }

    private static bool IsInRange(ReplayedTable table, ulong iova, ulong size)
    {
        var smallest = table.Format.PageSizes & (~table.Format.PageSizes + 1);
        var last = table.Format.InputStart | (ulong.MaxValue >> (64 - table.Format.InputBits));
        return ((iova | size) & (smallest - 1)) == 0 && size != 0 && iova >= table.Format.InputStart && iova <= last
            && size - 1 <= last - iova;
    }

    /// <summary>The bytes that are mapped without a hole from an address on.</summary>
    private static ulong Mapped(List<TableLeaf> leaves, ulong iova, ulong size)
    {
        ulong mapped = 0;
        foreach (var leaf in leaves)
        {
            if (mapped < size && leaf.Iova <= iova + mapped && iova + mapped <= leaf.Iova + ((1UL << leaf.Shift) - 1))
                mapped = leaf.End - iova;
        }

        return Math.Min(mapped, size);
    }

    private static bool SameLeaves(List<TableLeaf> one, List<TableLeaf> other) => one.SequenceEqual(other, SameMapping.Instance);

    private static bool Overlaps(TableLeaf leaf, ulong iova, ulong size) =>
        size != 0 && leaf.Iova <= iova + (size - 1) && iova <= leaf.Iova + ((1UL << leaf.Shift) - 1);

    /// <summary>Whether the page that a leaf belongs to lies wholly in a range.</summary>
    private static bool IsInside(TableLeaf leaf, ulong iova, ulong size)
    {
        var page = leaf.Iova & ~((1UL << leaf.PageShift) - 1);
        return iova <= page && page + ((1UL << leaf.PageShift) - 1) <= iova + (size - 1);
    }

    /// <summary>Leaves are equal that map the same, torn or not.</summary>
    private sealed class SameMapping : IEqualityComparer<TableLeaf>
    {
        public static readonly SameMapping Instance = new();

        public bool Equals(TableLeaf x, TableLeaf y) => x.MapsAs(y);

        public int GetHashCode(TableLeaf obj) => HashCode.Combine(obj.Iova, obj.Shift, obj.Address, obj.Protection);
    }
}
