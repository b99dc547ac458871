using Aperture.Core;
using Aperture.Datasheets.Exynos;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Exynos;

/// <content>What happens to an access that the TLB does not serve at once: second TLB, table walk, faults and retries.</content>
public sealed partial class ExynosSysMmu
{
    // The word kept with a TLB entry: permitted accesses in bits 1:0, then these flags.
    private const ulong DirectFetchFlag = 1 << 2;
    private const ulong SmallStepFlag = 1 << 3;

    private const ulong AddressSpace = 1ul << 32; // bytes that the master can address
    private const int FlpdVidShift = 12;          // the VID in the key of a first-level descriptor, above its table index
    private const int FaultingBlocks = 16;        // blocks whose faulting pages are remembered

    private ulong _walks; // table walks made for accesses

    private bool PassesUnclocked => _mode == Mode.PassingThrough && IsPowered && !IsInReset && !Options.BypassNeedsClock;

    /// <inheritdoc/>
    protected override void Resolve(in BusRequest request, ref AccessAttempt attempt, out TranslationResult result)
    {
        if (attempt.Number > 0 && !IsReleased(attempt, out var status))
        {
            result = new TranslationResult(status);
            return;
        }

        if (_mode != Mode.Translating || !Answers || request.Address.Value >= AddressSpace)
        {
            result = Otherwise(request);
            return;
        }

        var vid = VidOf(request.Stream);
        var hits = BankOf(request.Address).Lookup(_tags[vid], request.Address, out var index);
        if (!IsVmOn(vid) && Options.DisabledVm == SysMmuDisabledVm.PassThrough)
        {
            result = PassThrough(request);
            return;
        }

        var fault = Resolve(request, vid, hits, index, out result);
        if (fault == FaultKind.None)
            return;
        attempt.HasFaulted = Raise(fault, request, vid);
        result = new TranslationResult(attempt.HasFaulted ? TranslationStatus.Stalled : TranslationStatus.Aborted);
    }

    /// <summary>Whether an access that faulted may be translated again; if not, what becomes of it.</summary>
    private bool IsReleased(in AccessAttempt attempt, out TranslationStatus status)
    {
        status = TranslationStatus.Stalled;
        if (Answers && _mode == Mode.Held)
            return false;
        if (Answers && Options.RetriesAfterFault)
            return !(_mode == Mode.Translating && attempt.IsBeyondLast);
        status = TranslationStatus.Aborted;
        return false;
    }

    private TranslationResult Otherwise(in BusRequest request)
    {
        if (request.Address.Value >= AddressSpace || !(Answers || PassesUnclocked))
            return new TranslationResult(TranslationStatus.Aborted);
        return _mode == Mode.Held ? new TranslationResult(TranslationStatus.Stalled) : PassThrough(request);
    }

    private static TranslationResult PassThrough(in BusRequest request) =>
        new(TranslationStatus.Ok, new PhysicalAddress(request.Address.Value), AddressSpace - request.Address.Value, Protection.ReadWrite);

    private TranslationCache BankOf(Iova address) => _tlb[(uint)(address.Value >> 12) & _bankMask];

    private FaultKind Resolve(in BusRequest request, uint vid, int hits, int index, out TranslationResult result)
    {
        result = default;
        if (!IsVmOn(vid))
            return FaultKind.Page;
        if (hits > 1)
            return FaultKind.MultiHit;

        var bank = BankOf(request.Address);
        var fault = hits == 0 ? Fetch(request, vid, bank, out index) : Check(request, vid, (uint)bank.Info(index));
        if (fault != FaultKind.None)
            return fault;
        result = bank.Translate(index, request.Address);
        if ((bank.Info(index) & SmallStepFlag) != 0)
            result = result with { Length = BytesOfSmallPage(request.Address) };
        return FaultKind.None;
    }

    /// <summary>Brings the translation of an access into the L1 TLB, if the access is permitted.</summary>
    private FaultKind Fetch(in BusRequest request, uint vid, TranslationCache bank, out int index)
    {
        index = -1;
        int shift;
        ulong target, info;
        FaultKind fault;
        var second = _usesL2 ? _l2!.Lookup(_tags[vid], request.Address, out index) : 0;
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
            _l2!.Fill(_tags[vid], PageOf(request.Address, shift, target, info));
        return FaultKind.None;
    }

    /// <summary>Fills the L1 TLB. A large page beside entries for parts of it (or with banks, which hold a part of a page each) translates
    /// alike only to the end of 4 KiB: a long transfer must come upon each stale part, as it does in silicon.</summary>
    private int FillTlb(TranslationCache bank, uint vid, Iova address, int shift, ulong target, ulong info)
    {
        if (shift != SysMmuSecondLevel.CoverShift && (_bankMask != 0 || bank.HoldsPartOf(_tags[vid], uint.MaxValue, address, shift)))
            info |= SmallStepFlag;
        return bank.Fill(_tags[vid], PageOf(address, shift, target, info));
    }

    /// <summary>An entry. Rights that are not checked are none the less what its table says.</summary>
    private static TlbPage PageOf(Iova address, int shift, ulong target, ulong info) =>
        new(
            address,
            shift,
            new PhysicalAddress(target),
            info,
            Protection: (Protection)(info & (ulong)SysMmuAccess.ReadWrite),
            IsWhole: (info & SmallStepFlag) == 0);

    private static ulong BytesOfSmallPage(Iova address) =>
        (1ul << SysMmuSecondLevel.CoverShift) - (address.Value & ((1ul << SysMmuSecondLevel.CoverShift) - 1));

    private FaultKind Check(in BusRequest request, uint vid, uint permitted)
    {
        if ((Needed(request) & _checks[vid] & ~permitted) != 0)
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
        if (!_usesFlpds || !_flpds!.TryGet(FlpdLine(number), FlpdKey(vid, number), 0, out word))
        {
            if (!Bus.TryRead32(new PhysicalAddress(_tableBases[vid] + (number * sizeof(uint))), out word))
                return FaultKind.TableWalk;
            if (_usesFlpds && IsKept(word))
                _flpds!.Take(FlpdLine(number), FlpdKey(vid, number))[0] = word;
        }

        var first = new SysMmuFirstLevel(word);
        switch (word & _typeMask)
        {
            case SysMmuFirstLevel.SectionType:
                shift = SysMmuFirstLevel.CoverShift;
                target = first.Section(_addressShift);
                info = (ulong)first.Access(_addressShift);
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
        info = (ulong)second.Access(_addressShift);
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
        var page = (int)((address & (Options.FaultingPageBlock - 1)) >> SysMmuSecondLevel.CoverShift);
        if (_faultingPages!.TryGet(LineOfBlock(address), BlockOf(address), page / 32, out var known))
            return (known >> (page % 32) & 1) != 0;
        var words = _faultingPages.Take(LineOfBlock(address), BlockOf(address));
        words.Clear();
        var firstPage = (address & ~(Options.FaultingPageBlock - 1)) >> SysMmuSecondLevel.CoverShift;
        for (var i = 0; i < (int)(Options.FaultingPageBlock >> SysMmuSecondLevel.CoverShift); i++)
        {
            var at = new PhysicalAddress(table + ((firstPage + (uint)i) % SysMmuSecondLevel.Count * sizeof(uint)));
            if (Bus.TryRead32(at, out var word) && new SysMmuSecondLevel(word).IsFault)
                words[i / 32] |= 1u << (i % 32);
        }

        return false;
    }

    private static uint FlpdKey(uint vid, uint index) => (vid << FlpdVidShift) | index;

    private int FlpdLine(uint index) => (int)index & (_flpds!.Lines - 1);

    private uint BlockOf(uint address) => address / Options.FaultingPageBlock;

    private int LineOfBlock(uint address) => (int)(BlockOf(address) % FaultingBlocks);
}
