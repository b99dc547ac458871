using Aperture.Conformance.Models;
using Aperture.Conformance.Vectors;
using Aperture.Core;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Conformance.Drivers;

/// <content>What accesses of masters lead to, through our tables and what our units remember of them.</content>
public sealed partial class DriverReplay
{
    private const int MostSamples = 32; // addresses that are watched over a call

    private readonly List<(LiveStream Stream, ulong Iova)> _samples = []; // addresses accessed before the call

    private void CheckExpectation(VectorEvent line)
    {
        var domain = Domain(line, "dom");
        var iova = line.Hex("iova");
        if (domain.Ours is not { } ours)
        {
            Part.Check(line.Flag("fault"), line.Line, () => "a translation", () => "the domain has no table");
            return;
        }

        Expectation.Check(Part, line, domain.Mmu!.Probe.Access(_family.Root(ours), iova));
        if (line.Flag("fault") || line.Text("prot") == "none")
            return;
        foreach (var stream in LiveStreams(domain))
        {
            var got = Access(stream, iova, line.Text("prot") == "w" ? DmaAccess.Write : DmaAccess.Read);
            Part.Check(got == line.Hex("pa"), line.Line, () => $"0x{line.Hex("pa"):x} through {stream.Mmu.Facts.Name}", () => Show(got));
        }
    }

    /// <summary>Fills the caches of the units with what the call is about to change.</summary>
    private void Prime(RecordedCall call)
    {
        _samples.Clear();
        if (call.Api.Call is not ("map" or "unmap" or "map_pages" or "unmap_pages")
            || !_domains.TryGetValue(call.Api.Text("dom"), out var domain) || OurReader(domain) is not { } reader)
            return;
        var streams = LiveStreams(domain).ToArray();
        if (streams.Length == 0)
            return;
        var (iova, size) = (call.Api.Hex("iova"), SizeOf(call.Api));
        var (start, end) = SpanOf(call.Api);
        var leaves = reader.Leaves(start, end).Where(leaf => Overlaps(leaf, iova, size)).ToArray();
        var addresses = new SortedSet<ulong>();
        for (var i = 0; i < leaves.Length; i += Math.Max(1, leaves.Length / MostSamples))
            addresses.Add(Math.Max(leaves[i].Iova, iova));
        if (leaves.Length > 0)
            addresses.UnionWith([Math.Min(leaves[^1].End, iova + size) - 1, leaves[0].Iova]);
        addresses.UnionWith(((ulong[])[iova, iova + size - 1]).Where(address => address < AddressSpace));
        foreach (var stream in streams)
        {
            foreach (var address in addresses)
            {
                Access(stream, address, DmaAccess.Read);
                _samples.Add((stream, address));
            }
        }
    }

    /// <summary>After the call no access goes where it led before, unless it still leads there.</summary>
    private void CheckStale(RecordedCall call)
    {
        if (_samples.Count == 0 || OurReader(Domain(call.Api, "dom")) is not { } reader)
            return;
        foreach (var (stream, iova) in _samples)
        {
            var leaf = reader.Find(iova);
            if (leaf is { } mapped && (mapped.Protection & Protection.Read) == 0)
                continue;
            ulong? expected = leaf is { } found ? found.Address + (iova - found.Iova) : null;
            var got = Access(stream, iova, DmaAccess.Read);
            Part.Check(
                got == expected,
                call.Line,
                () => $"{stream.Mmu.Facts.Name} takes 0x{iova:x} to {Show(expected)}",
                () => $"{Show(got)}, which is stale");
        }
    }

    /// <summary>The streams of masters in a domain, on the units that translate now. None where the test itself fills TLBs.</summary>
    private IEnumerable<LiveStream> LiveStreams(ReplayedDomain domain) => _hasTestEntries || domain.Ours is null
        ? []
        : _masters.Values
            .Where(master => master.Domain == domain)
            .SelectMany(master => master.Units
                .Where(mmu => IsLive(mmu, domain.Ours))
                .Select(mmu => new LiveStream(mmu, _family.Stream(master.CellsOf(mmu)[0]))))
            .Distinct();

    private bool IsLive(ReplayedMmu mmu, IommuDomain domain) =>
        !mmu.IsHeldBack && mmu.Unit is { } unit && domain.Units.Contains(unit) && _family.CanTranslate(mmu.Model)
            && _family.IsTranslating(mmu.Read);

    /// <summary>Makes an access through a unit as it is. A fault leaves no trace.</summary>
    private ulong? Access(LiveStream stream, ulong iova, DmaAccess access)
    {
        var mmu = stream.Mmu;
        var state = _family.FaultState(mmu.Model).ToDictionary(offset => offset, mmu.Read);
        var isClocked = mmu.Model.IsClocked;
        mmu.Model.IsClocked |= _family.CanTranslate(mmu.Model); // by somebody else's hold
        var result = mmu.Model.Translate(new BusRequest(stream.Id, new Iova(iova), access));
        mmu.Model.IsClocked = isClocked;
        if (result.Status == TranslationStatus.Ok)
            return result.Address.Value;
        _family.UndoFault(mmu.Model, state);
        return null;
    }

    private static string Show(ulong? address) => address is { } value ? $"0x{value:x}" : "a fault";

    private readonly record struct LiveStream(ReplayedMmu Mmu, StreamId Id);
}
