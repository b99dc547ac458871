using Aperture.Core;
using Aperture.Datasheets.Arm;
using Aperture.Datasheets.Msm;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Msm;

/// <content>Translation operations of software, and the window into the TLB.</content>
public sealed partial class MsmIommu
{
    /// <summary>Translates an address for software: the answer is in PAR when the write is done.</summary>
    private void Operate(MsmContextBank bank, uint word, DmaAccess access, bool isPrivileged)
    {
        var address = new MsmTlbAddress(word).Page;
        bank[MsmContextRegisters.TranslationStatus] = 0;
        bank[MsmContextRegisters.TranslationResult] = !Options.HasOperations ? 0
            : !bank.IsEnabled ? address
            : Operate(bank, address, NeedsOf(access, isPrivileged)).Bits;
    }

    private MsmTranslationResult Operate(MsmContextBank bank, uint address, ArmRights needs)
    {
        Found found;
        var matches = _tlb.Probe(bank.Tag, new Iova(address), out var index);
        if (matches > 1)
            return MsmTranslationResult.Of(MsmFault.MultiHit);
        if (matches == 1)
        {
            bank[MsmContextRegisters.TranslationStatus] = 1 | ((uint)index << 8);
            found = new Found((uint)_tlb.Base(index).Value, _tlb.PageShift(index), _tlb.Info(index), MsmFault.None);
        }
        else
        {
            const uint walks = MsmAuxiliaryControl.OperationWalks;
            if (!Options.OperationsAlwaysWalk && (bank.Auxiliary.Bits & walks) != walks)
                return MsmTranslationResult.Of(MsmFault.TlbMiss);
            var fault = Walk(bank, address, out found);
            if (fault != MsmFault.None)
                return MsmTranslationResult.Of(fault);
            if ((bank.Auxiliary.Bits & (MsmAuxiliaryControl.NoAllocationBit | MsmAuxiliaryControl.NoOperationAllocationBit)) == 0)
            {
                StepSmall(bank, new Iova(address), ref found);
                _tlb.Fill(bank.Tag, PageOf(bank, new Iova(address), found), _locked);
            }
        }

        if (((uint)needs & ~(uint)found.Info) != 0)
            return MsmTranslationResult.Of(MsmFault.Permission | found.Level);
        var target = found.Address | (address & ((1u << found.Shift) - 1));
        return new MsmTranslationResult(
            target
            | (found.Shift == ArmFirstLevelDescriptor.SupersectionShift ? MsmTranslationResult.SupersectionBit : 0)
            | (Options.ReportsAttributes ? AttributeBits(bank, AttributesOf(found.Info)) : 0));
    }

    private static uint AttributeBits(MsmContextBank bank, ArmPageAttributes page)
    {
        var memory = MemoryOf(bank, page);
        return (memory.InnerCode << 4)
            | (memory.IsShareable ? 1u << 7 : 0)
            | (page.IsNonSecure ? 1u << 9 : 0)
            | (memory.IsInnerOnly ? 1u << 10 : 0);
    }

    /// <summary>TLBTR0 to TLBTR2 of the entry that TLBRSW selects; zero for an invalid one. The attributes are those by the remap
    /// registers of the first bank with the entry's tag, since entries do not know their bank.</summary>
    private uint ReadTlb(uint offset)
    {
        var selector = new MsmTlbSelector(Global(MsmGlobalRegisters.TlbSelect));
        if (!selector.IsTlb || selector.Index >= _tlb.Entries || !_tlb.IsValid(selector.Index))
            return 0;
        var (index, tag) = (selector.Index, _tlb.Tag(selector.Index));
        switch (offset)
        {
            case MsmGlobalRegisters.TlbTarget:
                return (uint)_tlb.Base(index).Value | (uint)Array.IndexOf(_machines, tag & TlbTag.VmidMask);
            case MsmGlobalRegisters.TlbTag:
                return MsmTlbTag.Of((uint)_tlb.Page(index).Value, tag).Bits;
            default:
                var page = AttributesOf(_tlb.Info(index));
                var bank = Array.Find(_banks, bank => bank.Tag == tag) ?? _banks[0];
                var rights = (ArmRights)(_tlb.Info(index) & 0x1F);
                return MsmTlbRights.Of(rights, MemoryOf(bank, page), page.IsNonSecure, _tlb.PageShift(index)).Bits;
        }
    }
}
