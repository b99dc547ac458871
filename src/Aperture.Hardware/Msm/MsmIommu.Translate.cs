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

    private bool Works => IsPowered && !IsInReset && (IsClocked || !Options.TranslationNeedsClock);

    /// <inheritdoc/>
    /// <remarks>An address of 4 GiB or more is aborted: the masters' ports have 32 address lines. An access that is held back when the unit
    /// is reset or loses power is lost, and aborted. While an access of a bank is held, so are all others of the bank.</remarks>
    protected override TranslationStatus Resolve(in BusRequest request, out PhysicalAddress address, out ulong contiguous)
    {
        var machine = request.Stream.Value;
        if (machine < MsmGlobalRegisters.Machines && _bankOf[machine] is { IsTranslating: true } bank && !_clientsPass && request.Address.Value < AddressSpace && Works)
        {
            var matches = _tlb.Lookup(bank.Tag, request.Address, out var index);
            if (matches == 1)
            {
                var info = _tlb.Info(index);
                if ((_needs[KindOf(request)] & ~(uint)info) == 0)
                {
                    address = _tlb.Translate(index, request.Address, out contiguous);
                    if ((info & SmallStepFlag) != 0)
                        contiguous = BytesOfSmallPage(request.Address);
                    return TranslationStatus.Ok;
                }
            }

            var resets = _resets;
            var fault = Resolve(bank, request, matches, index, out address, out contiguous);
            return fault == MsmFault.None ? TranslationStatus.Ok : TranslateSlowly(request, bank, fault, resets, out address, out contiguous);
        }

        return TranslateSlowly(request, null, MsmFault.None, _resets, out address, out contiguous);
    }

    /// <param name="request">The access.</param>
    /// <param name="bank">The bank where the access faulted; null where nobody has looked.</param>
    /// <param name="fault">The fault, which is yet to be raised.</param>
    /// <param name="resets">Resets before the access.</param>
    /// <param name="address">Where the access goes.</param>
    /// <param name="contiguous">Bytes that translate alike.</param>
    private TranslationStatus TranslateSlowly(in BusRequest request, MsmContextBank? bank, MsmFault fault, ulong resets, out PhysicalAddress address, out ulong contiguous)
    {
        for (var retries = 0; ; retries++)
        {
            address = default;
            contiguous = 0;
            if (bank is null)
            {
                if (!Works || _resets != resets || request.Address.Value >= AddressSpace)
                    return TranslationStatus.Aborted;
                if (!TryFindBank(request, out bank, out var status))
                    return status == TranslationStatus.Ok ? Pass(request, out address, out contiguous) : status;
                var matches = _tlb.Lookup(bank.Tag, request.Address, out var index);
                fault = Resolve(bank, request, matches, index, out address, out contiguous);
            }

            if (fault == MsmFault.None)
                return TranslationStatus.Ok;
            if (!Raise(bank, fault, request))
                return TranslationStatus.Aborted;

            // The handler may have run by now.
            if (bank.IsHeld)
                return TranslationStatus.Stalled;
            if (bank.IsTerminated)
                return TranslationStatus.Aborted;
            if (retries >= MaxRetries)
                return TranslationStatus.Stalled;
            bank = null;
        }
    }

    /// <summary>The bank that translates an access; false where none does, with what becomes of the access instead.</summary>
    private bool TryFindBank(in BusRequest request, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out MsmContextBank? bank, out TranslationStatus status)
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

    private static TranslationStatus Pass(in BusRequest request, out PhysicalAddress address, out ulong contiguous)
    {
        address = new PhysicalAddress(request.Address.Value);
        contiguous = AddressSpace - request.Address.Value;
        return TranslationStatus.Ok;
    }

    /// <summary>What becomes of an access of a bank that translates, by the TLB or a walk.</summary>
    private MsmFault Resolve(MsmContextBank bank, in BusRequest request, int matches, int index, out PhysicalAddress address, out ulong contiguous)
    {
        address = default;
        contiguous = 0;
        if (matches > 1)
            return MsmFault.MultiHit;

        var needs = _needs[KindOf(request)];
        if (matches == 1)
        {
            if ((needs & ~(uint)_tlb.Info(index)) != 0)
                return MsmFault.Permission;
            address = _tlb.Translate(index, request.Address, out contiguous);
            if ((_tlb.Info(index) & SmallStepFlag) != 0)
                contiguous = BytesOfSmallPage(request.Address);
            return MsmFault.None;
        }

        if (!bank.Auxiliary.Walks)
            return MsmFault.TlbMiss;
        var fault = Walk(bank, (uint)request.Address.Value, out var found);
        if (fault != MsmFault.None)
            return fault;
        if ((bank.Auxiliary.Bits & MsmAuxiliaryControl.NoAllocationBit) == 0)
            Fill(bank, request.Address, ref found);
        if ((needs & ~(uint)found.Info) != 0)
            return MsmFault.Permission | found.Level;
        var offset = request.Address.Value & ((1UL << found.Shift) - 1);
        address = new PhysicalAddress(found.Address + offset);
        contiguous = (found.Info & SmallStepFlag) != 0 ? BytesOfSmallPage(request.Address) : (1UL << found.Shift) - offset;
        return MsmFault.None;
    }

    /// <summary>Puts a translation into the TLB. A large page beside entries for parts of it translates alike only to the end of 4 KiB:
    /// a long transfer must come upon each stale part, as it does in silicon.</summary>
    private void Fill(MsmContextBank bank, Iova address, ref Found found)
    {
        if (found.Shift != ArmSecondLevelDescriptor.CoverShift && HoldsPartOf(bank, address, found.Shift))
            found = found with { Info = found.Info | SmallStepFlag };
        _tlb.Fill(bank.Tag, address, found.Shift, new PhysicalAddress(found.Address), found.Info, !AttributesOf(found.Info).IsNotGlobal, _locked);
    }

    private bool HoldsPartOf(MsmContextBank bank, Iova address, int shift)
    {
        for (var i = 0; i < _tlb.Entries; i++)
        {
            if (IsOfVmid(i, bank.Vmid) && _tlb.Page(i).Value >> shift == address.Value >> shift)
                return true;
        }

        return false;
    }

    private static ArmPageAttributes AttributesOf(ulong info) => new((uint)(info >> InfoAttributesShift));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong BytesOfSmallPage(Iova address) =>
        (1ul << ArmSecondLevelDescriptor.CoverShift) - (address.Value & ((1ul << ArmSecondLevelDescriptor.CoverShift) - 1));
}
