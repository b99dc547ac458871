using System.Buffers.Binary;
using Aperture.Core;
using Aperture.Datasheets.Arm;
using Aperture.Datasheets.Msm;

namespace Aperture.Hardware.Msm;

/// <content>The table walker. What faults is never kept, as ARM DDI 0406 B3.9 demands of a TLB.</content>
public sealed partial class MsmIommu
{
    /// <summary>What a walk found.</summary>
    /// <param name="Address">First physical byte of the page.</param>
    /// <param name="Shift">Log2 of its size.</param>
    /// <param name="Info">Rights and attributes, as the TLB keeps them.</param>
    /// <param name="Level">How a fault of the page tells its level.</param>
    private readonly record struct Found(uint Address, int Shift, ulong Info, MsmFault Level);

    /// <summary>Reads the tables of a bank. The order of checks is the architecture's: disabled walk, bus error, descriptor, access
    /// flag; rights are the caller's to check. Domains are not known to the unit: all are clients.</summary>
    private MsmFault Walk(MsmContextBank bank, uint address, out Found found)
    {
        while (true)
        {
            if (WalkOnce(bank, address, out found) is { } fault)
                return fault;
        }
    }

    /// <summary>One walk; null if an entry was changed by somebody else before its access flag was set: what was read holds no
    /// more.</summary>
    private MsmFault? WalkOnce(MsmContextBank bank, uint address, out Found found)
    {
        found = default;
        var control = bank.TableControl;
        var isUpper = control.IsUpper(address);
        if (control.IsDisabled(isUpper))
            return MsmFault.Translation;
        var table = control.Table(bank[isUpper ? MsmContextRegisters.TableBase1 : MsmContextRegisters.TableBase0], isUpper);
        var at = new PhysicalAddress(table + ((ulong)(address >> ArmFirstLevelDescriptor.CoverShift) * sizeof(uint)));
        if (!TryFetch(bank, at, MsmContextRegisters.FirstLevelFetched, out var word))
            return Options.WalkError;

        var first = new ArmFirstLevelDescriptor(word);
        if (first.IsTable)
            return WalkSecond(bank, first.Table, address, out found);
        if (!first.IsSection || (first.IsPrivilegedExecuteNever && !Options.HasPrivilegedExecuteNever))
            return MsmFault.Translation;
        var attributes = first.Attributes;
        found = Leaf(bank, first.Address, first.Shift, attributes, MsmFault.None);
        return CheckFlag(bank, attributes, MsmFault.None, at, word, first.Accessed.Bits);
    }

    private MsmFault? WalkSecond(MsmContextBank bank, uint table, uint address, out Found found)
    {
        found = default;
        var index = address >> ArmSecondLevelDescriptor.CoverShift & (ArmSecondLevelDescriptor.Count - 1);
        var at = new PhysicalAddress(table + (index * sizeof(uint)));
        if (!TryFetch(bank, at, MsmContextRegisters.SecondLevelFetched, out var word))
            return Options.WalkError | MsmFault.SecondLevel;
        var second = new ArmSecondLevelDescriptor(word);
        if (second.IsFault)
            return MsmFault.Translation | MsmFault.SecondLevel;
        var attributes = second.Attributes;
        found = Leaf(bank, second.Address, second.Shift, attributes, MsmFault.SecondLevel);
        return CheckFlag(bank, attributes, MsmFault.SecondLevel, at, word, second.Accessed.Bits);
    }

    private static Found Leaf(MsmContextBank bank, uint address, int shift, ArmPageAttributes attributes, MsmFault level)
    {
        var rights = attributes.Rights(bank.Has(MsmSystemControl.AccessFlagBit));
        return new Found(address, shift, (ulong)rights | ((ulong)attributes.Bits << InfoAttributesShift), level);
    }

    /// <summary>A clear access flag is a fault, unless the unit sets it or was told not to mind. It is set in the entry that was read and
    /// in no other: one that software cleared meanwhile does not come back. Null if the entry is another one now.</summary>
    private MsmFault? CheckFlag(MsmContextBank bank, ArmPageAttributes attributes, MsmFault level, PhysicalAddress at, uint read,
        uint accessed)
    {
        if (!bank.Has(MsmSystemControl.AccessFlagBit) || attributes.IsAccessed)
            return MsmFault.None;
        if (bank.Has(MsmSystemControl.HardwareFlagBit))
        {
            var expected = Ordered(bank, read);
            if (!Bus.TryCompareExchange32(at, expected, Ordered(bank, accessed), out var there))
                return Options.WalkError | level;
            return there == expected ? MsmFault.None : null;
        }

        return bank.Has(MsmSystemControl.FlagFaultDisabledBit) ? MsmFault.None : MsmFault.AccessFlag | level;
    }

    private bool TryFetch(MsmContextBank bank, PhysicalAddress at, uint register, out uint word)
    {
        if (!Bus.TryRead32(at, out word))
            return false;
        word = Ordered(bank, word);
        bank[register] = word;
        return true;
    }

    private static uint Ordered(MsmContextBank bank, uint word) =>
        bank.Has(MsmSystemControl.BigEndianBit) ? BinaryPrimitives.ReverseEndianness(word) : word;

    private static ArmMemoryAttributes MemoryOf(MsmContextBank bank, ArmPageAttributes page) =>
        bank.Has(MsmSystemControl.RemapBit) ? bank.Remap.Of(page) : ArmMemoryAttributes.Of(page);
}
