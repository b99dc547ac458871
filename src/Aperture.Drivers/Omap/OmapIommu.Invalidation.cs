using Aperture.Core.PageTables;
using Aperture.Datasheets.Omap;
using Aperture.Devices;

namespace Aperture.Drivers.Omap;

/// <summary>Invalidation of the TLB. The walker keeps nothing but leaves, so that changed links need no invalidation.</summary>
public sealed partial class OmapIommu
{
    private readonly OmapCam[] _savedCam;  // the locked entries while the MMU is suspended; without V: nothing in this place
    private readonly OmapRam[] _savedRam;  // the other half of them
    private int _saved;                    // how many entries were locked
    private ulong _missedStart = ulong.MaxValue; // the least range that covers what was removed while the MMU was suspended
    private ulong _missedLast;

    /// <inheritdoc/>
    protected override void Flush(in InvalidationGather gather)
    {
        ulong pages = 0;
        foreach (var range in gather.AsSpan())
            pages += range.Pages;
        if (pages > (ulong)TlbEntries)
        {
            FlushByScan(gather);
            return;
        }

        using var registers = _mmu.Begin();
        foreach (var range in gather.AsSpan())
        {
            var address = (uint)range.Start.Value;
            for (var left = range.Pages; left > 0; left--)
            {
                InvalidatePage(registers, address);
                address += 1u << range.PageShift;
            }
        }
    }

    /// <inheritdoc/>
    protected override void MissInvalidation(in InvalidationGather gather)
    {
        foreach (var range in gather.AsSpan())
        {
            _missedStart = Math.Min(_missedStart, range.Start.Value);
            _missedLast = Math.Max(_missedLast, range.Last.Value);
        }

        for (var i = 0; i < _saved; i++)
        {
            if (Touches(_savedCam[i], gather))
                _savedCam[i] = default;
        }
    }

    /// <summary>Reads the locked entries, which are lost with power.</summary>
    private void SaveLocked()
    {
        var locked = new OmapLock(_mmu.Read32(OmapRegisters.Lock)).Base;
        _saved = Math.Min(locked, TlbEntries);
        for (var i = 0; i < _saved; i++)
        {
            _savedCam[i] = ReadEntry(locked, i);
            _savedRam[i] = new OmapRam(_mmu.Read32(OmapRegisters.ReadRam));
        }

        (_missedStart, _missedLast) = (ulong.MaxValue, 0);
    }

    /// <summary>Puts the locked entries back. Without loss of power the TLB may still hold entries of all kinds, also such as
    /// should have been invalidated meanwhile.</summary>
    private void RestoreLocked()
    {
        _mmu.Write32(OmapRegisters.GlobalFlush, 1);
        if (_missedStart < _missedLast)
        {
            var missed = new InvalidationGather();
            missed.Add(new(_missedStart), _missedLast - _missedStart + 1, 12);
            FlushByScan(missed);
        }

        for (var i = 0; i < _saved; i++)
        {
            if (_savedCam[i].IsValid)
                WriteEntry(0, i, _savedCam[i], _savedRam[i]);
        }

        if (_saved > 0)
            _mmu.Write32(OmapRegisters.Lock, new OmapLock(_saved, _saved).Bits);
    }

    /// <summary>Empties the TLB, locked and preserved entries included: they belong to the domain that goes.</summary>
    private void DropAll()
    {
        _mmu.Write32(OmapRegisters.Lock, 0);
        _mmu.Write32(OmapRegisters.GlobalFlush, 1);
        for (var i = 0; i < TlbEntries; i++)
        {
            var cam = ReadEntry(0, i);
            if (cam.IsValid)
                InvalidateEntry(cam);
        }

        _mmu.Write32(OmapRegisters.Lock, 0);
        _saved = 0;
        (_missedStart, _missedLast) = (ulong.MaxValue, 0);
    }

    /// <summary>Looks at every entry once: for more pages than there are entries. Entries outside the ranges stay.</summary>
    private void FlushByScan(in InvalidationGather gather)
    {
        var before = new OmapLock(_mmu.Read32(OmapRegisters.Lock));
        for (var i = 0; i < TlbEntries; i++)
        {
            var cam = ReadEntry(before.Base, i);
            if (Touches(cam, gather))
                InvalidateEntry(cam);
        }

        _mmu.Write32(OmapRegisters.Lock, before.Bits);
    }

    /// <summary>Invalidates the entry that contains an address, of whatever size, preserved or not.</summary>
    private static void InvalidatePage(RegisterSequence registers, uint address)
    {
        registers.Write32(OmapRegisters.Cam, new OmapCam(address, OmapPageSize.SmallPage).Bits);
        registers.Write32(OmapRegisters.FlushEntry, 1);
    }

    private void InvalidateEntry(OmapCam cam)
    {
        _mmu.Write32(OmapRegisters.Cam, cam.Bits);
        _mmu.Write32(OmapRegisters.FlushEntry, 1);
    }

    private OmapCam ReadEntry(int locked, int index)
    {
        _mmu.Write32(OmapRegisters.Lock, new OmapLock(locked, index).Bits);
        return new OmapCam(_mmu.Read32(OmapRegisters.ReadCam));
    }

    private void WriteEntry(int locked, int index, OmapCam cam, OmapRam ram)
    {
        _mmu.Write32(OmapRegisters.Lock, new OmapLock(locked, index).Bits);
        _mmu.Write32(OmapRegisters.Cam, cam.Bits);
        _mmu.Write32(OmapRegisters.Ram, ram.Bits);
        _mmu.Write32(OmapRegisters.FlushEntry, 1); // two entries for one address would be a fault
        _mmu.Write32(OmapRegisters.LoadTlb, 1);
    }

    private static bool Touches(OmapCam cam, in InvalidationGather gather)
    {
        if (!cam.IsValid)
            return false;
        ulong start = cam.Tag & OmapCam.MaskOf(cam.Size);
        foreach (var range in gather.AsSpan())
        {
            if (range.Start.Value <= start + ((1UL << cam.Shift) - 1) && start <= range.Last.Value)
                return true;
        }

        return false;
    }
}
