using Aperture.Core;
using Aperture.Datasheets.Msm;

namespace Aperture.Hardware.Msm;

/// <content>What removes TLB entries: by VMID, ASID and address, never by bank, since entries do not know their bank. Locked entries stay
/// unless the register's configuration bit says otherwise.</content>
public sealed partial class MsmIommu
{
    private void InvalidateAll()
    {
        var first = FirstUnlocked((Control.Bits & MsmControl.InvalidatesLockedBit) != 0);
        if (first == 0)
        {
            _tlb.InvalidateAll();
            return;
        }

        for (var i = first; i < _tlb.Entries; i++)
            _tlb.Invalidate(i);
    }

    private void InvalidateVmid(uint vmid)
    {
        for (var i = FirstUnlocked((Control.Bits & MsmControl.VmidInvalidatesLockedBit) != 0); i < _tlb.Entries; i++)
        {
            if (IsOfVmid(i, vmid))
                _tlb.Invalidate(i);
        }
    }

    private void InvalidateContext(MsmContextBank bank)
    {
        var isWide = Options.ContextInvalidation == MsmContextInvalidation.Vmid;
        for (var i = FirstUnlocked((bank.Lock.Bits & MsmTlbLock.AllInvalidatesLockedBit) != 0); i < _tlb.Entries; i++)
        {
            if (IsOfVmid(i, bank.Vmid) && (isWide || IsGlobal(i) || _tlb.Context(i) == bank.Tag))
                _tlb.Invalidate(i);
        }
    }

    private void InvalidateAsid(MsmContextBank bank, uint asid)
    {
        var tag = (bank.Vmid << 8) | asid;
        for (var i = FirstUnlocked((bank.Lock.Bits & MsmTlbLock.AsidInvalidatesLockedBit) != 0); i < _tlb.Entries; i++)
        {
            if (_tlb.IsValid(i) && !IsGlobal(i) && _tlb.Context(i) == tag)
                _tlb.Invalidate(i);
        }
    }

    private void InvalidateAddress(MsmContextBank bank, MsmTlbAddress address)
    {
        var first = FirstUnlocked((bank.Lock.Bits & MsmTlbLock.AddressInvalidatesLockedBit) != 0);
        var tag = (bank.Vmid << 8) | address.Asid;
        if (first == 0)
        {
            _tlb.InvalidateAddress(tag, new Iova(address.Page));
            return;
        }

        for (var i = first; i < _tlb.Entries; i++)
        {
            if (IsOfVmid(i, bank.Vmid) && (IsGlobal(i) || _tlb.Context(i) == tag) && Contains(i, address.Page))
                _tlb.Invalidate(i);
        }
    }

    private void InvalidateAddressAnyAsid(MsmContextBank bank, MsmTlbAddress address)
    {
        for (var i = FirstUnlocked((bank.Lock.Bits & MsmTlbLock.AddressInvalidatesLockedBit) != 0); i < _tlb.Entries; i++)
        {
            if (IsOfVmid(i, bank.Vmid) && Contains(i, address.Page))
                _tlb.Invalidate(i);
        }
    }

    /// <summary>The first entry that an invalidation may remove.</summary>
    private int FirstUnlocked(bool includesLocked) => includesLocked ? 0 : _locked;

    /// <summary>The TLB is shared, so the highest floor counts. One entry always stays free for walks.</summary>
    private void RefreshLocked()
    {
        _locked = 0;
        foreach (var bank in _banks)
            _locked = Math.Max(_locked, bank.Lock.Locked);
        _locked = Math.Min(_locked, _tlb.Entries - 1);
    }

    private bool IsOfVmid(int index, uint vmid) => _tlb.IsValid(index) && _tlb.Context(index) >> 8 == vmid;

    private bool IsGlobal(int index) => !AttributesOf(_tlb.Info(index)).IsNotGlobal;

    private bool Contains(int index, uint address) => _tlb.Page(index).Value >> _tlb.PageShift(index) == address >> _tlb.PageShift(index);
}
