using Aperture.Core;
using Aperture.Datasheets.Tegra;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tegra;

/// <content>TLB_FLUSH, PTC_FLUSH and ACTIVE_LINES.</content>
public sealed partial class TegraSmmu
{
    private int _firstLine; // lines below are switched off

    private void FlushTlb(TegraTlbFlush flush)
    {
        EndAccesses();
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
        var first = (ulong)flush.Address >> shift << shift;
        _tlb.Invalidate(new TlbInvalidation
        {
            Tag = flush.AsidOf(_soc) & _asidMask,
            TagMask = flush.MatchesAsid ? uint.MaxValue : 0,
            First = new Iova(first),
            Last = new Iova(first + (1ul << shift) - 1),
            FirstEntry = _firstLine,
        });
    }

    private void FlushPtc(TegraPtcFlush flush)
    {
        if (!flush.IsByAddress)
        {
            _ptc.Clear();
        }
        else
        {
            var atom = AtomOf(flush.Address | (_soc.IsWide ? (ulong)this[TegraMcRegister.PtcFlushHigh] << 32 : 0));
            _ptc.Remove(PtcLineOf(atom), atom);
        }

        EndAccesses();
    }

    /// <summary>Switches lines off and on. What was in those that go off is lost.</summary>
    private void SetLines(int count)
    {
        _firstLine = _tlb.Entries - count;
        for (var line = 0; line < _firstLine; line++)
            _tlb.Invalidate(line);
    }
}
