using Aperture.Conformance.Vectors;
using Aperture.Core;
using Aperture.Iommu;

namespace Aperture.Conformance.Drivers;

/// <content>TLB entries that the test or software puts there.</content>
public sealed partial class DriverReplay
{
    private void PutEntry(VectorEvent line)
    {
        var mmu = Mmu(line, "unit");
        _family.Models.SetEntry(mmu.Model, line);
        _family.Models.SetEntry(mmu.Shadow, line);
    }

    /// <summary>In one recorded variant every map also loads the TLB. Ours does so when asked.</summary>
    private void FollowPrefetch(RecordedCall call, IommuDomain ours, Iova iova)
    {
        foreach (var unit in ours.Units.ToArray())
        {
            var mmu = FindMmu(unit.Name)!;
            if (call.Of("omitted").Any() || !_family.Entries(mmu.Shadow).Any(entry => entry.Contains(iova.Value)))
                continue;
            var status = _family.Prefetch(unit, iova, call.Api.Flag("preserved"));
            Part.Check(status is Status.Ok or Status.NoSpace, call.Line, () => "a TLB entry loaded", () => $"{status}");
        }
    }

    /// <summary>What the recorded driver made a TLB forget and had to, ours forgets too.</summary>
    private void CheckEntries(RecordedCall call)
    {
        if (!_hasTestEntries)
            return;
        foreach (var mmu in _mmus.Values.Where(mmu => mmu.Unit is not null))
        {
            var recorded = _family.Entries(mmu.Shadow);
            foreach (var entry in _family.Entries(mmu.Model).Except(recorded).Where(entry => IsWrong(call, mmu, entry)))
            {
                if (call.Api.Call is "map" or "map_pages" or "store_entry" && entry.Overlaps(call.Api.Hex("iova"), SizeOf(call.Api)))
                {
                    Deviate(Rules.MapKeepsEntries);
                    _family.FlushPage(mmu.Unit!, entry.Iova);
                }
                else
                {
                    Part.Fail(call.Line, $"{mmu.Facts.Name} without the TLB entry of 0x{entry.Iova:x}", "the entry is still there");
                }
            }
        }
    }

    /// <summary>Whether an entry says other than the tables, or was to be flushed whatever it says.</summary>
    private bool IsWrong(RecordedCall call, ReplayedMmu mmu, TlbEntry entry)
    {
        if (call.Api.Call.StartsWith("flush_tlb", StringComparison.Ordinal))
            return true;
        var domain = _domains.Values.FirstOrDefault(domain => domain.Ours is { } ours && ours.Units.Contains(mmu.Unit!));
        return domain is not null && (OurReader(domain)!.Find(entry.Iova) is not { } leaf || leaf.Address != entry.Address);
    }
}
