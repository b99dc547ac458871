using Aperture.Core;
using Aperture.Datasheets.Exynos;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Exynos;

/// <content>What happens to an access that the TLB does not serve at once: second TLB, table walk, faults and retries.</content>
public sealed partial class ExynosSysMmu
{
    // The word kept with a TLB entry: permitted accesses in bits 1:0, then these flags, the VID in bits 15:8.
    private const ulong DirectFetchFlag = 1 << 2;
    private const ulong SmallStepFlag = 1 << 3;
    private const int InfoVidShift = 8;

    private const ulong AddressSpace = 1ul << 32; // bytes that the master can address

    private ulong _walks; // table walks made for accesses

    private static uint VidOf(ulong info) => (uint)(info >> InfoVidShift);

    private TranslationStatus TranslateOtherwise(in BusRequest request, out PhysicalAddress address, out ulong contiguous)
    {
        address = default;
        contiguous = 0;
        if (request.Address.Value >= AddressSpace || !(Answers || PassesUnclocked))
            return TranslationStatus.Aborted;
        return _mode == Mode.Held ? TranslationStatus.Stalled : PassThrough(request, out address, out contiguous);
    }

    private bool PassesUnclocked => _mode == Mode.PassingThrough && IsPowered && !IsInReset && !Options.BypassNeedsClock;

    private static TranslationStatus PassThrough(in BusRequest request, out PhysicalAddress address, out ulong contiguous)
    {
        address = new PhysicalAddress(request.Address.Value);
        contiguous = AddressSpace - request.Address.Value;
        return TranslationStatus.Ok;
    }

    private TranslationStatus TranslateSlowly(in BusRequest request, uint vid, int hits, int index, out PhysicalAddress address, out ulong contiguous)
    {
        for (var retries = 0; ; retries++)
        {
            if (!IsVmOn(vid) && Options.DisabledVm == SysMmuDisabledVm.PassThrough)
                return PassThrough(request, out address, out contiguous);
            var fault = Resolve(request, vid, hits, index, out address, out contiguous);
            if (fault == FaultKind.None)
                return TranslationStatus.Ok;

            address = default;
            contiguous = 0;
            if (!Raise(fault, request, vid))
                return TranslationStatus.Aborted;
            if (Answers && _mode == Mode.Held)
                return TranslationStatus.Stalled;
            if (!Answers || !Options.RetriesAfterFault)
                return TranslationStatus.Aborted;
            if (_mode == Mode.PassingThrough)
                return PassThrough(request, out address, out contiguous);
            if (retries >= MaxRetries)
                return TranslationStatus.Stalled;
            hits = BankOf(request.Address).Lookup(vid, request.Address, out index);
        }
    }

    private TranslationCache BankOf(Iova address) => _tlb[(uint)(address.Value >> 12) & _bankMask];

    private FaultKind Resolve(in BusRequest request, uint vid, int hits, int index, out PhysicalAddress address, out ulong contiguous)
    {
        address = default;
        contiguous = 0;
        if (!IsVmOn(vid))
            return FaultKind.Page;
        if (hits > 1)
            return FaultKind.MultiHit;

        var bank = BankOf(request.Address);
        if (hits == 0)
        {
            var fault = Fetch(request, vid, bank, out index);
            if (fault != FaultKind.None)
                return fault;
        }
        else
        {
            var fault = Check(request, vid, (uint)bank.Info(index));
            if (fault != FaultKind.None)
                return fault;
        }

        address = bank.Translate(index, request.Address, out contiguous);
        if ((bank.Info(index) & SmallStepFlag) != 0)
            contiguous = BytesOfSmallPage(request.Address);
        return FaultKind.None;
    }

    /// <summary>Brings the translation of an access into the L1 TLB, if the access is permitted.</summary>
    private FaultKind Fetch(in BusRequest request, uint vid, TranslationCache bank, out int index)
    {
        index = -1;
        int shift;
        ulong target, info;
        FaultKind fault;
        var second = _usesL2 ? _l2!.Lookup(vid, request.Address, out index) : 0;
        if (second > 1)
            return FaultKind.MultiHit;
        if (second == 1)
        {
            shift = _l2!.PageShift(index);
            target = _l2.Base(index).Value;
            info = _l2.Info(index);
            fault = Check(request, vid, (uint)info);
        }
        else
        {
            _walks++;
            fault = Walk((uint)request.Address.Value, vid, out shift, out target, out info);
            if (fault == FaultKind.None)
                fault = Check(request, vid, (uint)info);
        }

        if (fault != FaultKind.None)
            return fault;
        index = FillTlb(bank, vid, request.Address, shift, target, info);
        if (second == 0 && _usesL2)
            _l2!.Fill(vid, request.Address, shift, new PhysicalAddress(target), info);
        return FaultKind.None;
    }

    /// <summary>Fills the L1 TLB. A large page beside entries for parts of it (or with banks, which hold a part of a page each) translates
    /// alike only to the end of 4 KiB: a long transfer must come upon each stale part, as it does in silicon.</summary>
    private int FillTlb(TranslationCache bank, uint vid, Iova address, int shift, ulong target, ulong info)
    {
        if (shift != SysMmuSecondLevel.CoverShift && (_bankMask != 0 || HoldsPartOf(bank, vid, address, shift)))
            info |= SmallStepFlag;
        return bank.Fill(vid, address, shift, new PhysicalAddress(target), info);
    }

    private static bool HoldsPartOf(TranslationCache bank, uint vid, Iova address, int shift)
    {
        for (var i = 0; i < bank.Entries; i++)
        {
            if (bank.IsValid(i) && VidOf(bank.Info(i)) == vid && bank.Page(i).Value >> shift == address.Value >> shift)
                return true;
        }

        return false;
    }

    private static ulong BytesOfSmallPage(Iova address) =>
        (1ul << SysMmuSecondLevel.CoverShift) - (address.Value & ((1ul << SysMmuSecondLevel.CoverShift) - 1));

    private FaultKind Check(in BusRequest request, uint vid, uint permitted)
    {
        if ((Needed(request.Access) & _checks[vid] & ~permitted) != 0)
            return FaultKind.Protection;
        return Options.ViolatesSecurity is { } violates && violates(request) ? FaultKind.Security : FaultKind.None;
    }

    /// <summary>Reads the tables of a VID.</summary>
    private FaultKind Walk(uint address, uint vid, out int shift, out ulong target, out ulong info)
    {
        shift = 0;
        target = 0;
        info = 0;
        var number = address >> SysMmuFirstLevel.CoverShift;
        uint word;
        if (!_usesFlpds || !_flpds!.TryGet(vid, number, out word))
        {
            if (!Bus.TryRead32(new PhysicalAddress(_tableBases[vid] + (number * sizeof(uint))), out word))
                return FaultKind.TableWalk;
            if (_usesFlpds && IsKept(word))
                _flpds!.Set(vid, number, word);
        }

        var first = new SysMmuFirstLevel(word);
        switch (word & _typeMask)
        {
            case SysMmuFirstLevel.SectionType:
                shift = SysMmuFirstLevel.CoverShift;
                target = first.Section(_addressShift);
                info = (ulong)first.Access(_addressShift) | (vid << InfoVidShift);
                return FaultKind.None;
            case SysMmuFirstLevel.LinkType:
                break;
            default:
                return FaultKind.Page;
        }

        var table = first.Table(_addressShift);
        if (_faultingPages is not null && IsRememberedAsFaulting(address, table))
            return FaultKind.Page;
        if (!Bus.TryRead32(new PhysicalAddress(table + ((address >> 12) % SysMmuSecondLevel.Count * sizeof(uint))), out word))
            return FaultKind.TableWalk;
        var second = new SysMmuSecondLevel(word);
        if (second.IsFault)
            return FaultKind.Page;
        shift = second.IsLarge ? SysMmuSecondLevel.LargeShift : SysMmuSecondLevel.CoverShift;
        target = second.Page(_addressShift);
        info = (ulong)second.Access(_addressShift) | (vid << InfoVidShift);
        return FaultKind.None;
    }

    private bool IsKept(uint word) => (word & _typeMask) switch
    {
        SysMmuFirstLevel.LinkType => true,
        SysMmuFirstLevel.SectionType => false,
        _ => Options.FlpdCacheHoldsFaults,
    };

    private bool IsRememberedAsFaulting(uint address, ulong table)
    {
        if (_faultingPages!.TryGet(address, out var isFaulting))
            return isFaulting;
        var firstPage = (address & ~(_faultingPages.BlockSize - 1)) >> 12;
        var pages = (int)(_faultingPages.BlockSize >> 12);
        var faulting = 0ul;
        for (var i = 0; i < pages; i++)
        {
            if (Bus.TryRead32(new PhysicalAddress(table + ((firstPage + (uint)i) % SysMmuSecondLevel.Count * sizeof(uint))), out var word)
                && new SysMmuSecondLevel(word).IsFault)
            {
                faulting |= 1ul << i;
            }
        }

        _faultingPages.Set(address, faulting);
        return false;
    }
}
