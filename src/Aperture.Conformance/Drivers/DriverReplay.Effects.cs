using Aperture.Conformance.Vectors;

namespace Aperture.Conformance.Drivers;

/// <content>What the recording says that a call caused: the state that ours is compared with.</content>
public sealed partial class DriverReplay
{
    private readonly Dictionary<(string Map, uint Offset), uint> _recordedSystem = []; // system-control registers

    private void NoteEffect(RecordedCall call, VectorEvent effect)
    {
        switch (effect.Kind)
        {
            case "w":
                var mmu = Mmu(effect, "unit");
                mmu.Recorded[effect.Word("off")] = effect.Word("val");
                mmu.Shadow.TryWrite(effect.Word("off"), sizeof(uint), effect.Word("val"));
                break;
            case "alloc":
                NoteAllocation(call, effect);
                break;
            case "free":
                _recorded.Free(effect);
                foreach (var domain in _domains.Values)
                    domain.RecordedRoots.Remove(effect.Hex("pa"));
                break;
            case "mem":
                _recorded.Apply(effect);
                ClearTaint(effect);
                break;
            case "clk":
                NoteClock(call, effect);
                break;
            case "plat" when effect.Has("line"):
                Mmu(effect, "dev").RecordedResets[effect.Text("line")] = effect.Text("op") == "deassert_reset";
                break;
            case "regmap":
                _recordedSystem[(effect.Text("map"), effect.Word("off"))] = effect.Word("result");
                break;
        }
    }

    private void NoteClock(RecordedCall call, VectorEvent line)
    {
        var (mmu, clock) = (Mmu(line, "dev"), line.Text("clk"));
        mmu.RecordedClocks[clock] = line.Number("count");
        if (call.Of("panic").Any() || call.Result < 0)
            mmu.StrandedClocks[clock] = mmu.StrandedClocks.GetValueOrDefault(clock) + (line.Text("op") == "enable" ? 1 : -1);
    }

    private void NoteAllocation(RecordedCall call, VectorEvent line)
    {
        _recorded.Allocate(line);
        if (line.Text("kind") == "data")
            return;
        _memory.Offer(line.Hex("pa"), line.Count("size"));
        if (call.Api.Call == "driver_init")
            _recordedZeroTable ??= line.Hex("pa");
        else if (call.Api.Call is "domain_alloc" or "attach_dev" && line.Count("size") == _family.Models.FirstLevelBytes)
            Domain(call.Api, "dom").RecordedRoots.Add(line.Hex("pa"));
    }

    /// <summary>Offers the recorded tables that serve a range and that ours has not: an earlier deviation may have kept ours from
    /// taking them when they were allocated.</summary>
    private void OfferLinked(ReplayedDomain domain, ulong start, ulong end)
    {
        if (RecordedReader(domain) is not { } reader)
            return;
        var first = (int)(start >> reader.FirstLevelShift);
        var behind = (int)Math.Min((ulong)reader.FirstLevelEntries, (end + (1UL << reader.FirstLevelShift) - 1) >> reader.FirstLevelShift);
        for (var i = first; i < behind; i++)
        {
            if (reader.Kind(i) == Core.PageTables.EntryKind.Table && _recorded.Blocks.TryGetValue(reader.TableOf(i), out var size)
                && !_memory.Used.ContainsKey(reader.TableOf(i)))
                _memory.Offer(reader.TableOf(i), size);
        }
    }
}
