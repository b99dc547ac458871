using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Datasheets.Arm;
using Aperture.Datasheets.Msm;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Msm;

/// <content>The masters' side.</content>
public sealed partial class MsmIommu
{
    private const ulong AddressSpace = 1UL << 32; // bytes that a master can address

    // The word kept with a TLB entry: rights in bits 4:0, this flag, the page's attributes from bit 8 on.
    private const ulong SmallStepFlag = 1 << 5;
    private const int InfoAttributesShift = 8;

    private const ulong MaxBanks = 128; // what the mark of a stalled access is made of: resets and bank

    private bool Works => IsPowered && !IsInReset && (IsClocked || !Options.TranslationNeedsClock);

    /// <inheritdoc/>
    protected override bool TryHit(in BusRequest request, out TranslationResult result, out bool isCounted)
    {
        var machine = request.Stream.Value;
        isCounted = !_clientsPass;
        if (!isCounted)
        {
            result = Pass(request);
            return request.Address.Value < AddressSpace && Works;
        }

        result = default;
        if (machine >= MsmGlobalRegisters.Machines || _bankOf[machine] is not { IsTranslating: true } bank
            || !_tlb.TryFind(bank.Tag, request.Address, out result, out var info, out var index)
            || (_needs[KindOf(request)] & ~(uint)info) != 0
            || !Works)
        {
            return false;
        }

        _tlb.Touch(index);
        return true;
    }

    /// <inheritdoc/>
    protected override void Resolve(in BusRequest request, ref AccessAttempt attempt, out TranslationResult result)
    {
        if (attempt.Number > 0 && !IsReleased(attempt, out var status))
        {
            result = new TranslationResult(status);
            return;
        }

        if (!Works || request.Address.Value >= AddressSpace)
        {
            result = new TranslationResult(TranslationStatus.Aborted);
            return;
        }

        if (!TryFindBank(request, out var bank, out status))
        {
            result = status == TranslationStatus.Ok ? Pass(request) : new TranslationResult(status);
            return;
        }

        var matches = _tlb.Lookup(bank.Tag, request.Address, out var index);
        var fault = Resolve(bank, request, matches, index, out result);
        if (fault == MsmFault.None)
            return;
        attempt.Mark = (_resets * MaxBanks) + (uint)bank.Number;
        attempt.HasFaulted = Raise(bank, fault, request);
        result = new TranslationResult(attempt.HasFaulted ? TranslationStatus.Stalled : TranslationStatus.Aborted);
    }

    /// <summary>Whether an access that faulted may be translated again; if not, what becomes of it.</summary>
    private bool IsReleased(in AccessAttempt attempt, out TranslationStatus status)
    {
        var bank = _banks[(int)(attempt.Mark % MaxBanks)];
        status = bank.IsHeld || (attempt.IsBeyondLast && !bank.IsTerminated) ? TranslationStatus.Stalled : TranslationStatus.Aborted;
        return !bank.IsHeld && !bank.IsTerminated && !attempt.IsBeyondLast && attempt.Mark / MaxBanks == _resets;
    }

    /// <summary>The bank that translates an access; false where none does, with what becomes of the access instead.</summary>
    private bool TryFindBank(in BusRequest request, [NotNullWhen(true)] out MsmContextBank? bank, out TranslationStatus status)
    {
        var machine = request.Stream.Value;
        status = TranslationStatus.Ok;
        bank = null;
        if (_clientsPass)
            return false;
        bank = machine < MsmGlobalRegisters.Machines ? _bankOf[machine] : null;
        if (bank is { IsEnabled: true })
        {
            status = bank.IsHeld ? TranslationStatus.Stalled : TranslationStatus.Ok;
            return !bank.IsHeld;
        }

        var isMissing = bank is null;
        if (isMissing && (!Options.MissingBankPasses || machine >= MsmGlobalRegisters.Machines))
        {
            RaiseGlobal(MsmGlobalError.Configuration, request);
            status = TranslationStatus.Aborted;
        }
        else if (MapOf(machine).IsBypassDisabled)
        {
            RaiseGlobal(MsmGlobalError.Bypass, request);
            status = TranslationStatus.Aborted;
        }

        bank = null;
        return false;
    }

    private static TranslationResult Pass(in BusRequest request) =>
        new(TranslationStatus.Ok, new PhysicalAddress(request.Address.Value), AddressSpace - request.Address.Value, Protection.ReadWrite);

    /// <summary>What becomes of an access of a bank that translates, by the TLB or a walk.</summary>
    private MsmFault Resolve(MsmContextBank bank, in BusRequest request, int matches, int index, out TranslationResult result)
    {
        result = default;
        if (matches > 1)
            return MsmFault.MultiHit;

        var needs = _needs[KindOf(request)];
        if (matches == 1)
        {
            if ((needs & ~(uint)_tlb.Info(index)) != 0)
                return MsmFault.Permission;
            result = _tlb.Translate(index, request.Address);
            if ((_tlb.Info(index) & SmallStepFlag) != 0)
                result = result with { Length = BytesOfSmallPage(request.Address) };
            return MsmFault.None;
        }

        if (!bank.Auxiliary.Walks)
            return MsmFault.TlbMiss;
        var fault = Walk(bank, (uint)request.Address.Value, out var found);
        if (fault != MsmFault.None)
            return fault;
        var isKept = (bank.Auxiliary.Bits & MsmAuxiliaryControl.NoAllocationBit) == 0;
        if (isKept)
            StepSmall(bank, request.Address, ref found);
        var page = PageOf(bank, request.Address, found);
        if (isKept)
            _tlb.Fill(bank.Tag, page, _locked);
        if ((needs & ~(uint)found.Info) != 0)
            return MsmFault.Permission | found.Level;
        var offset = request.Address.Value & ((1UL << found.Shift) - 1);
        result = new TranslationResult(
            TranslationStatus.Ok,
            new PhysicalAddress(found.Address + offset),
            (found.Info & SmallStepFlag) != 0 ? BytesOfSmallPage(request.Address) : (1UL << found.Shift) - offset,
            page.Protection,
            page.Attributes);
        return MsmFault.None;
    }

    /// <summary>A large page that goes into the TLB beside entries for parts of it translates alike only to the end of 4 KiB: a long
    /// transfer must come upon each stale part, as it does in silicon.</summary>
    private void StepSmall(MsmContextBank bank, Iova address, ref Found found)
    {
        if (found.Shift != ArmSecondLevelDescriptor.CoverShift && _tlb.HoldsPartOf(bank.Tag, TlbTag.VmidMask, address, found.Shift))
            found = found with { Info = found.Info | SmallStepFlag };
    }

    /// <summary>An entry. The rights of its answer are those of unprivileged masters, unless all are privileged.</summary>
    private TlbPage PageOf(MsmContextBank bank, Iova address, in Found found)
    {
        var (page, rights) = (AttributesOf(found.Info), (ArmRights)found.Info);
        var (read, write) = Options.MastersArePrivileged
            ? (ArmRights.PrivilegedRead, ArmRights.PrivilegedWrite)
            : (ArmRights.UserRead, ArmRights.UserWrite);
        return new TlbPage(
            address,
            found.Shift,
            new PhysicalAddress(found.Address),
            found.Info,
            Protection: ((rights & read) != 0 ? Protection.Read : 0) | ((rights & write) != 0 ? Protection.Write : 0)
                | ((rights & ArmRights.Execute) == 0 ? Protection.NoExecute : 0),
            Attributes: AnswerOf(MemoryOf(bank, page), page.IsNonSecure),
            IsWhole: (found.Info & SmallStepFlag) == 0,
            IsGlobal: !page.IsNotGlobal);
    }

    private static MemoryAttributes AnswerOf(ArmMemoryAttributes memory, bool isNonSecure)
    {
        var kind = memory.Type != ArmMemoryType.Normal ? MemoryAttributes.Device : memory.Inner switch
        {
            ArmCachePolicy.None => MemoryAttributes.NonCacheable,
            ArmCachePolicy.WriteThrough => MemoryAttributes.WriteThrough,
            _ => MemoryAttributes.WriteBack,
        };
        return kind | (memory.IsShareable ? MemoryAttributes.Shareable : 0) | (isNonSecure ? MemoryAttributes.NonSecure : 0);
    }

    private static ArmPageAttributes AttributesOf(ulong info) => new((uint)(info >> InfoAttributesShift));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong BytesOfSmallPage(Iova address) =>
        (1ul << ArmSecondLevelDescriptor.CoverShift) - (address.Value & ((1ul << ArmSecondLevelDescriptor.CoverShift) - 1));
}
