using Aperture.Core;
using Aperture.Datasheets.Exynos;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Exynos;

/// <content>FLUSH, FLUSH_ENTRY and FLUSH_RANGE for a run of VIDs.</content>
public sealed partial class ExynosSysMmu
{
    private void Flush(uint firstVid, int vids, uint word)
    {
        if (!Acts(word))
            return;
        if (_layout != SysMmuLayout.V7Vm || vids == SysMmuVmRegister.Count)
        {
            InvalidateEverything();
            EndAccesses();
            if (Options.FlushClearsFlpdCache)
                _flpds?.Clear();
            return;
        }

        InvalidateRange(firstVid, 0, uint.MaxValue);
        if (Options.FlushClearsFlpdCache)
            ClearFlpds(firstVid);
    }

    // A method of its own: what it captures is made where it begins, and most flushes never get here.
    private void ClearFlpds(uint vid) => _flpds?.RemoveWhere(key => key >> FlpdVidShift == vid);

    private void FlushEntry(uint firstVid, int vids, uint word)
    {
        if (!Acts(word))
            return;
        var page = new SysMmuFlushEntry(word).Page;
        var address = new Iova(page);
        for (var vid = firstVid; vid < firstVid + vids; vid++)
        {
            _tlb[(page >> 12) & _bankMask].InvalidateAddress(_tags[vid], address);
            _l2?.InvalidateAddress(_tags[vid], address);
            if (Options.FlushEntryClearsFlpdCache)
                _flpds?.Remove(FlpdLine(page >> SysMmuFirstLevel.CoverShift), FlpdKey(vid, page >> SysMmuFirstLevel.CoverShift));
        }

        _faultingPages?.Remove(LineOfBlock(page), BlockOf(page));
        EndAccesses();
    }

    private void FlushRange(uint firstVid, int vids, uint word, uint start, uint end)
    {
        if (!Acts(word))
            return;
        for (var vid = firstVid; vid < firstVid + vids; vid++)
            InvalidateRange(vid, start & 0xFFFFF000, end | 0xFFF);
    }

    private bool Acts(uint word)
    {
        var isAllowed = !Options.FlushNeedsBlock || _mode != Mode.Translating;
        return isAllowed && (Options.FlushIgnoresTriggerBit || (word & SysMmuFlushEntry.TriggerBit) != 0);
    }

    private void InvalidateEverything()
    {
        foreach (var bank in _tlb)
            bank.InvalidateAll();
        _l2?.InvalidateAll();
        _faultingPages?.Clear();
    }

    private void InvalidateRange(uint vid, uint first, uint last)
    {
        var which = new TlbInvalidation { Tag = _tags[vid], TagMask = uint.MaxValue, First = new Iova(first), Last = new Iova(last) };
        foreach (var bank in _tlb)
            bank.Invalidate(which);
        _l2?.Invalidate(which);
        EndAccesses();
    }
}
