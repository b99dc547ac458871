using Aperture.Core;
using Aperture.Datasheets.Omap;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Omap;

/// <summary>The TLB: entries loaded by software or by the walker, flushes, the choice of a victim.</summary>
public sealed partial class OmapMmu
{
    private readonly OmapCam[] _cam;    // CAM word of each entry; zero once flushed
    private readonly OmapRam[] _ram;    // RAM word of each entry; zero once flushed
    private readonly byte[] _ramMsb;    // physical address bits 35:32 of each entry

    /// <summary>The entry that CURRENTVICTIM selects, or -1.</summary>
    private int SelectedEntry()
    {
        var victim = _lock.Victim;
        if (victim < _cam.Length)
            return victim;
        return _options.VictimOverflow == OmapVictimOverflow.Wrap ? victim % _cam.Length : -1;
    }

    private void LoadStagedEntry()
    {
        var index = SelectedEntry();
        if (index < 0 || (!_camStaging.IsValid && !_options.LoadsInvalidEntries))
            return;
        var overlaps = _options.MultiHit == OmapMultiHit.AtLookupAndLoad && OverlapsAnother(index, _camStaging);
        var msb = _options.MsbUse == OmapMsbUse.Ignored ? 0 : _ramMsbStaging;
        Fill(index, _camStaging, _ramStaging, msb);
        if (_camStaging.IsValid && (_held & (OmapFault.TlbMiss | OmapFault.EmuMiss)) != 0)
            Release();
        if (overlaps)
            Report(OmapFault.MultiHit, _camStaging.Tag);
    }

    private void Fill(int index, OmapCam cam, OmapRam ram, uint msb)
    {
        CountEntry(_cam[index], -1);
        CountEntry(cam, 1);
        _cam[index] = cam;
        _ram[index] = ram;
        _ramMsb[index] = (byte)msb;
        UpdateOverlap(index);
        if (cam.IsValid)
            _tlb.Set(index, 0, new TlbPage(new Iova(cam.Tag), cam.Shift, new PhysicalAddress(((ulong)msb << 32) | ram.Address)));
        else
            _tlb.Invalidate(index);
    }

    private void Drop(int index)
    {
        CountEntry(_cam[index], -1);
        _cam[index] = default;
        _ram[index] = default;
        _ramMsb[index] = 0;
        _tlb.Invalidate(index);
        if (_overlapping)
            UpdateOverlap(index);
    }

    private void FlushAll()
    {
        for (var i = 0; i < _cam.Length; i++)
        {
            if (!_cam[i].IsPreserved)
                Drop(i);
        }
    }

    private void FlushMatching(uint address)
    {
        while (_tlb.Probe(0, new Iova(address), out var index) != 0)
            Drop(index);
    }

    private void ClearTlb()
    {
        for (var i = 0; i < _cam.Length; i++)
            Drop(i);
    }

    /// <summary>Puts what the walker found into an unlocked entry. Where all are locked, the TLB stays as it is.</summary>
    /// <returns>Whether an entry was filled.</returns>
    private bool FillVictim(OmapCam cam, OmapRam ram, uint msb)
    {
        var first = _lock.Base;
        if (first >= _cam.Length)
            return false;
        var victim = _lock.Victim;
        if (victim < first || victim >= _cam.Length)
            victim = first;
        if (_options.VictimOrder == OmapVictimOrder.InvalidFirst)
            victim = FirstInvalid(first, victim);
        Fill(victim, cam, ram, msb);
        victim++;
        _lock = new OmapLock(first, victim == _cam.Length ? first : victim);
        return true;
    }

    private int FirstInvalid(int first, int otherwise)
    {
        for (var i = first; i < _cam.Length; i++)
        {
            if (!_cam[i].IsValid)
                return i;
        }

        return otherwise;
    }
}
