using Aperture.Core;
using Aperture.Datasheets.Tegra;

namespace Aperture.Hardware.Tegra;

/// <content>TLB_FLUSH, PTC_FLUSH and ACTIVE_LINES.</content>
public sealed partial class TegraSmmu
{
    private int _firstLine; // lines below are switched off

    private void FlushTlb(TegraTlbFlush flush)
    {
        if (flush is { MatchesAsid: true, Match: TegraTlbFlush.MatchGroup })
        {
            _tlb.InvalidateAddress(flush.AsidOf(_soc) & _asidMask, new Iova(flush.Address));
            return;
        }

        if (flush.Match == 1 && !Options.UnusedMatchFlushesAll)
            return;
        var shift = flush.Match switch
        {
            TegraTlbFlush.MatchSection => TegraTlbFlush.SectionShift,
            TegraTlbFlush.MatchGroup => TegraTlbFlush.GroupShift,
            _ => 32,
        };
        for (var line = _firstLine; line < _tlb.Entries; line++)
        {
            if (!_tlb.IsValid(line) || (flush.MatchesAsid && _tlb.Info(line) != (flush.AsidOf(_soc) & _asidMask)))
                continue;
            var coarser = Math.Max(shift, _tlb.PageShift(line));
            if (_tlb.Page(line).Value >> coarser == (ulong)flush.Address >> coarser)
                _tlb.Invalidate(line);
        }
    }

    private void FlushPtc(TegraPtcFlush flush)
    {
        if (!flush.IsByAddress)
            _ptc.Clear();
        else
            _ptc.Remove(flush.Address | (_soc.IsWide ? (ulong)this[TegraMcRegister.PtcFlushHigh] << 32 : 0));
    }

    /// <summary>Switches lines off and on. What was in those that go off is lost.</summary>
    private void SetLines(int count)
    {
        _firstLine = _tlb.Entries - count;
        for (var line = 0; line < _firstLine; line++)
            _tlb.Invalidate(line);
    }
}
