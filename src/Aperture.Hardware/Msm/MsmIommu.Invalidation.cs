using Aperture.Core;
using Aperture.Datasheets.Msm;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Msm;

/// <content>What removes TLB entries: by VMID, ASID and address, never by bank, since entries do not know their bank. Locked entries stay
/// unless the register's configuration bit says otherwise.</content>
public sealed partial class MsmIommu
{
    private void InvalidateAll() =>
        _tlb.Invalidate(new TlbInvalidation { FirstEntry = FirstUnlocked((Control.Bits & MsmControl.InvalidatesLockedBit) != 0) });

    private void InvalidateVmid(uint vmid) => _tlb.Invalidate(new TlbInvalidation
    {
        Tag = _machines[vmid],
        TagMask = TlbTag.VmidMask,
        FirstEntry = FirstUnlocked((Control.Bits & MsmControl.VmidInvalidatesLockedBit) != 0),
    });

    private void InvalidateContext(MsmContextBank bank) => _tlb.Invalidate(new TlbInvalidation
    {
        Tag = bank.Tag,
        TagMask = Options.ContextInvalidation == MsmContextInvalidation.Vmid ? TlbTag.VmidMask : uint.MaxValue,
        FirstEntry = FirstUnlocked((bank.Lock.Bits & MsmTlbLock.AllInvalidatesLockedBit) != 0),
    });

    private void InvalidateAsid(MsmContextBank bank, uint asid) => _tlb.Invalidate(new TlbInvalidation
    {
        Tag = _machines[bank.Vmid] | asid,
        TagMask = uint.MaxValue,
        IncludesGlobal = false,
        FirstEntry = FirstUnlocked((bank.Lock.Bits & MsmTlbLock.AsidInvalidatesLockedBit) != 0),
    });

    private void InvalidateAddress(MsmContextBank bank, MsmTlbAddress address)
    {
        var first = FirstUnlocked((bank.Lock.Bits & MsmTlbLock.AddressInvalidatesLockedBit) != 0);
        var tag = _machines[bank.Vmid] | address.Asid;
        if (first == 0)
            _tlb.InvalidateAddress(tag, new Iova(address.Page));
        else
            InvalidatePage(tag, uint.MaxValue, address.Page, first);
    }

    private void InvalidateAddressAnyAsid(MsmContextBank bank, MsmTlbAddress address) =>
        InvalidatePage(
            bank.Tag,
            TlbTag.VmidMask,
            address.Page,
            FirstUnlocked((bank.Lock.Bits & MsmTlbLock.AddressInvalidatesLockedBit) != 0));

    private void InvalidatePage(uint tag, uint mask, uint page, int first) =>
        _tlb.Invalidate(new TlbInvalidation
        {
            Tag = tag,
            TagMask = mask,
            First = new Iova(page),
            Last = new Iova(page),
            FirstEntry = first,
        });

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
}
