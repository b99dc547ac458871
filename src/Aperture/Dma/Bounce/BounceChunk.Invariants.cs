using System.Diagnostics;

namespace Aperture.Dma.Bounce;

// What holds whenever nobody is in the middle of a change.
internal sealed unsafe partial class BounceChunk
{
    /// <summary>Asserts it of one segment and its area, in Debug. Call it under the area's lock.</summary>
    /// <param name="area">The area.</param>
    /// <param name="slot">A slot of the segment.</param>
    [Conditional("DEBUG")]
    private void AssertInvariants(Area area, int slot)
    {
        Debug.Assert(area.Lock.IsHeldByCurrentThread, "an area is looked at under its lock");
        Debug.Assert(area.Used >= 0 && area.Used <= _areaSlots, "an area has as many taken slots as it has slots, at most");
        Debug.Assert(area.Next >= 0 && area.Next <= _areaSlots, "a search begins in the area");
        var first = slot - (slot % SegmentSlots);
        var taken = 0;
        for (var i = SegmentSlots - 1; i >= 0; i--)
        {
            ref readonly var here = ref _slots[first + i];
            var behind = i == SegmentSlots - 1 ? 0 : _slots[first + i + 1].Free;
            Debug.Assert(here.Free == 0 || here.Free == behind + 1, "a free slot counts itself and those behind it");
            Debug.Assert(here.Free == 0 || (here.Origin is null && here.Count == 0), "a free slot mirrors nothing");
            Debug.Assert(i + here.Count <= SegmentSlots, "a buffer lies in one segment");
            Debug.Assert(_owners[first + i] is null || here.Count > 0, "a buffer that somebody holds has slots");
            taken += here.Free == 0 ? 1 : 0;
        }

        Debug.Assert(taken <= area.Used, "the slots that are taken are counted");
    }
}
