using Aperture.Conformance.Tables;
using Aperture.Conformance.Vectors;
using Aperture.Core;
using Aperture.Iommu;

namespace Aperture.Conformance.Drivers;

/// <content>Map and unmap, and where ours and theirs may differ.</content>
public sealed partial class DriverReplay
{
    private List<TableLeaf> _recordedBefore = []; // the recorded leaves around the range of the call, before it

    /// <summary>Bytes that a call is about. Calls of the driver's own interface do one page, whatever count they are given, or as many as
    /// that.</summary>
    private ulong SizeOf(VectorEvent call)
    {
        var size = call.Has("size") ? call.Number("size") : call.Number("pgsize") * (_family.DoesRuns ? call.Count("pgcount") : 1);
        return size >= 0 ? (ulong)size : throw call.Bad($"the size is {size}");
    }

    /// <summary>The range of a call, widened to whole pages of the largest size.</summary>
    private (ulong Start, ulong End) SpanOf(VectorEvent call)
    {
        var mask = (1UL << _family.LargestPageShift) - 1;
        var start = Math.Min(call.Hex("iova"), AddressSpace);
        var end = Math.Min(start + Math.Min(SizeOf(call), AddressSpace), AddressSpace);
        return (start & ~mask, Math.Min((end + mask) & ~mask, AddressSpace));
    }

    private List<TableLeaf> LeavesBefore(RecordedCall call)
    {
        if (call.Api.Call is not ("unmap" or "unmap_pages") || RecordedReader(Domain(call.Api, "dom")) is not { } reader)
            return [];
        var (start, end) = SpanOf(call.Api);
        return reader.Leaves(start, end);
    }

    private void Map(RecordedCall call)
    {
        var line = call.Api;
        var domain = line.Has("dom") ? Domain(line, "dom") : DomainOf(Mmu(line, "unit"), line);
        var (iova, size) = (new Iova(line.Hex("iova")), SizeOf(line));
        var (address, protection) = (new PhysicalAddress(line.Hex("pa")), _family.ProtectionOf(line));
        if (domain.Ours is not { } ours)
        {
            MapBeforeAttach(call, domain, iova, address, size, protection);
            return;
        }

        var (start, end) = SpanOf(line);
        var before = OurReader(domain)!.Leaves(start, end);
        OfferLinked(domain, start, end);
        var status = ours.Map(iova, address, size, protection);
        var isOverlap = status == Status.AlreadyExists && before.Exists(leaf => leaf.Iova < iova.Value + size && iova.Value < leaf.End);
        if (status == Status.Ok && call.Result == 0 && _family.DoesRuns && line.Has("mapped") && (ulong)line.Number("mapped") < size)
        {
            Deviate(Rules.RunEndsWithTable);
            Resynchronise(call, domain, start, end);
        }
        else if (call.Result == (long)status)
        {
            Part.CheckNumber(call.Line, "the map gives", call.Result, (long)status);
            if (isOverlap && _family.OverwritesMappings && !SameLeaves(RecordedTables(call, domain).Leaves(start, end), before))
            {
                // The recorded call failed after it had taken tables away that lay in its range.
                Deviate(Rules.OverlapRefused);
                Resynchronise(call, domain, start, end);
            }
        }
        else if (isOverlap && call.Result == 0 && _family.OverwritesMappings)
        {
            var after = OurReader(domain)!.Leaves(start, end);
            Part.Check(
                before.SequenceEqual(after), call.Line, () => "a refused map that changes nothing", () => "other mappings than before");
            Deviate(call.Of("mem").Any(IsOutsideTables) ? Rules.WriteIntoMapped : Rules.OverlapRefused);
            Resynchronise(call, domain, start, end);
        }
        else if (isOverlap && call.Result == AddressInUse)
        {
            Deviate(Rules.OverlapNumber);
        }
        else if (call.Result == (long)Status.InvalidArgument && IsMisfit(line, ours))
        {
            // Ours has no page size to be told: it maps with the pages that fit, or not at all.
            Deviate(Rules.PageSizeArgument);
            if (status == Status.Ok)
                ours.Unmap(iova, size);
        }
        else if (call.Result == 0 && status == Status.InvalidArgument && IsMisfit(line, ours))
        {
            Deviate(Rules.Misaligned);
            Resynchronise(call, domain, start, end);
            Taint(domain, start, end);
        }
        else
        {
            Part.CheckNumber(call.Line, "the map gives", call.Result, (long)status);
        }

        if (status == Status.Ok && call.Result == 0)
            FollowPrefetch(call, ours, iova);
    }

    /// <summary>The recorded driver has no tables before the first attach and refuses.</summary>
    private void MapBeforeAttach(
        RecordedCall call, ReplayedDomain domain, Iova iova, PhysicalAddress address, ulong size, Protection protection)
    {
        if (domain.Mmu?.Unit is not { } unit)
            throw call.Api.Bad($"there is no domain {domain.Label}");
        using var early = unit.CreateDomain(DomainType.Unmanaged);
        var status = early.Map(iova, address, size, protection);
        if (status == Status.Ok && call.Result == (long)Status.InvalidArgument)
            Deviate(Rules.MapBeforeAttach);
        else
            Part.CheckNumber(call.Line, "the map gives", call.Result, (long)status);
    }

    private void Unmap(RecordedCall call)
    {
        var domain = Domain(call.Api, "dom");
        if (domain.Ours is not { } ours)
        {
            Part.CheckNumber(call.Line, "bytes unmapped", call.Result, 0);
            return;
        }

        var (iova, size) = (call.Api.Hex("iova"), SizeOf(call.Api));
        var (start, end) = SpanOf(call.Api);
        var should = IsAligned(iova, size, ours) ? Mapped(OurReader(domain)!.Leaves(start, end), iova, size) : 0;
        var got = ours.Unmap(new Iova(iova), size);
        if (!Part.Check(should == got, call.Line, () => $"{should} bytes unmapped: to the first hole, exactly", () => $"{got}"))
            return;

        var isSame = SameLeaves(RecordedTables(call, domain).Leaves(start, end), OurReader(domain)!.Leaves(start, end));
        if ((ulong)call.Result == got && isSame)
        {
            Part.CheckNumber(call.Line, "bytes unmapped", call.Result, (long)got);
            return;
        }

        var isPartOfPage = _recordedBefore.Exists(leaf => Overlaps(leaf, iova, size) && (leaf.IsTorn || !IsInside(leaf, iova, size)));
        if (IsMisfit(call.Api, ours))
            Deviate(Rules.Misaligned);
        else if (_family.LosesSectionAddress && (ulong)call.Result == got && IsPartOfSection(iova, size))
            Deviate(Rules.SectionKeepsAddress);
        else if (_family.DoesRuns && call.Api.Has("pgsize") && (ulong)call.Result < got)
            Deviate(Rules.RunEndsWithTable);
        else if (isPartOfPage && !_family.LosesSectionAddress)
            Deviate(_family.RemovesWholePages ? Rules.PartOfPage : Rules.PartOfPageRefused);
        else if (got < size && _family.CountsHoles
            && ((ulong)call.Result > got || Holes.IsInPage(ours.PageSizes, iova + (ulong)call.Result, iova + got, iova + size)))
            Deviate(Rules.HoleEndsUnmap);
        else if (isSame)
            Part.CheckNumber(call.Line, "bytes unmapped", call.Result, (long)got);
        else
            Part.Check(
                false,
                call.Line,
                () => $"{call.Result} bytes unmapped, and the recorded mappings left",
                () => $"{got} bytes unmapped, and other mappings left");
        Resynchronise(call, domain, start, end);
    }

    /// <summary>Brings our mappings in line with the recorded ones, by calls as any caller could make them.</summary>
    private void Resynchronise(RecordedCall call, ReplayedDomain domain, ulong start, ulong end)
    {
        _hasFollowed = true;
        var wanted = RecordedTables(call, domain).Leaves(start, end);
        foreach (var leaf in OurReader(domain)!.Leaves(start, end))
        {
            if (!wanted.Exists(leaf.MapsAs))
                domain.Ours!.Unmap(new Iova(leaf.Iova), 1UL << leaf.Shift);
        }

        OfferLinked(domain, start, end);
        var have = OurReader(domain)!.Leaves(start, end);
        foreach (var leaf in wanted.Where(leaf => !have.Exists(leaf.MapsAs)))
        {
            var status = domain.Ours!.Map(new Iova(leaf.Iova), new PhysicalAddress(leaf.Address), 1UL << leaf.Shift, leaf.Protection);
            if (status != Status.Ok)
                Part.Fail(call.Line, $"to follow the recorded mapping of 0x{leaf.Iova:x}", $"{status}");
        }
    }

    /// <summary>Whether a call of the driver's own interface does not fit the page size that it names.</summary>
    private static bool IsMisfit(VectorEvent call, IommuDomain domain)
    {
        if (!call.Has("pgsize"))
            return false;
        var size = (ulong)Math.Max(call.Number("pgsize"), 0);
        var address = call.Hex("iova") | (call.Has("pa") ? call.Hex("pa") : 0);
        return size == 0 || (size & (size - 1)) != 0 || (domain.PageSizes & size) == 0 || (address & (size - 1)) != 0;
    }

    private ReplayedDomain DomainOf(ReplayedMmu mmu, VectorEvent line) =>
        _masters.Values.FirstOrDefault(master => master.Domain is not null && master.Units.Contains(mmu))?.Domain
        ?? throw line.Bad($"no domain is in force on {mmu.Facts.Name}");

    /// <summary>The bytes that are mapped without a hole from an address on.</summary>
    private static ulong Mapped(List<TableLeaf> leaves, ulong iova, ulong size)
    {
        var at = iova;
        foreach (var leaf in leaves)
        {
            if (leaf.Iova <= at && at < leaf.End)
                at = leaf.End;
        }

        return Math.Min(at - iova, size);
    }

    private static bool SameLeaves(List<TableLeaf> one, List<TableLeaf> other) =>
        one.Count == other.Count && one.Zip(other).All(pair => pair.First.MapsAs(pair.Second));

    private static bool IsAligned(ulong iova, ulong size, IommuDomain domain)
    {
        var smallest = domain.PageSizes & (~domain.PageSizes + 1);
        return ((iova | size) & (smallest - 1)) == 0 && iova + size <= AddressSpace;
    }

    private static bool Overlaps(TableLeaf leaf, ulong iova, ulong size) => leaf.Iova < iova + size && iova < leaf.End;

    /// <summary>Whether the page that a leaf belongs to lies wholly in a range.</summary>
    private static bool IsInside(TableLeaf leaf, ulong iova, ulong size)
    {
        var page = leaf.Iova & ~((1UL << leaf.PageShift) - 1);
        return iova <= page && page + (1UL << leaf.PageShift) <= iova + size;
    }

    /// <summary>Whether a range takes a part that is no whole section out of a section or more that was recorded before the call.</summary>
    private bool IsPartOfSection(ulong iova, ulong size)
    {
        const ulong inSection = (1 << 20) - 1;
        return _recordedBefore.Exists(leaf => leaf.PageShift >= 20 && Overlaps(leaf, iova, size)
            && ((leaf.Iova < iova && (iova & inSection) != 0) || (iova + size < leaf.End && ((iova + size) & inSection) != 0)));
    }

    /// <summary>Whether a recorded change lies in memory that is no table.</summary>
    private bool IsOutsideTables(VectorEvent mem) =>
        !_recorded.Blocks.Any(block => block.Value <= _family.Models.FirstLevelBytes
            && block.Key <= mem.Hex("pa") && mem.Hex("pa") < block.Key + (ulong)block.Value);
}
