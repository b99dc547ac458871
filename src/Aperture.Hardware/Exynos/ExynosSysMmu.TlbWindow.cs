using Aperture.Datasheets.Exynos;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Exynos;

/// <content>Debug registers that show TLB entries: an index is written, the entry is read. Page numbers are those of 4 KiB pages;
/// an invalid entry reads zero (inferred).</content>
public sealed partial class ExynosSysMmu
{
    private bool TryReadWindow(uint offset, out uint value)
    {
        value = 0;
        switch (_layout)
        {
            case SysMmuLayout.V1 when HasV33Registers && offset is SysMmuV1Register.TlbEntryPpn or SysMmuV1Register.TlbEntryVpn:
                value = Show(offset == SysMmuV1Register.TlbEntryVpn ? Column.Vpn : Column.Ppn,
                    SelectLinear(this[SysMmuV1Register.TlbReadEntry]));
                return true;
            case SysMmuLayout.V5:
                return TryReadWindowV5(offset, out value);
            case SysMmuLayout.V7 or SysMmuLayout.V7Vm:
                return TryReadWindowV7(offset, out value);
            default:
                return false;
        }
    }

    private bool TryReadWindowV5(uint offset, out uint value)
    {
        Column? column = offset switch
        {
            SysMmuV5Register.TlbEntryVpn or SysMmuV5Register.L2TlbEntryVpn => Column.Vpn,
            SysMmuV5Register.TlbEntryPpn or SysMmuV5Register.L2TlbEntryPpn => Column.Ppn,
            SysMmuV5Register.TlbEntryAttributes or SysMmuV5Register.L2TlbEntryAttributes => Column.AttributesV5,
            _ => null,
        };
        value = 0;
        if (column is null)
            return false;
        value = offset < SysMmuV5Register.L2TlbReadEntry
            ? Show(column.Value, SelectLinear(this[SysMmuV5Register.TlbReadEntry]))
            : Show(column.Value, (_l2, (int)Math.Min(this[SysMmuV5Register.L2TlbReadEntry], int.MaxValue)));
        return true;
    }

    private bool TryReadWindowV7(uint offset, out uint value)
    {
        value = 0;
        if (!IsTlbWindowData(offset))
            return false;
        var within = offset - TlbWindow;
        var second = within >= SysMmuV7Register.SecondWindow;
        var selector = new SysMmuTlbSelector(this[TlbWindow + (second ? SysMmuV7Register.SecondWindow : 0)]);
        var entry = second ? (_l2, (int)(selector.Set + (selector.Way << 8))) : SelectWay(selector);
        value = Show((Column)((within & 0xF) / 4), entry);
        return true;
    }

    private uint TlbWindow => _layout == SysMmuLayout.V7Vm ? SysMmuV7Register.VmTlbWindow : SysMmuV7Register.TlbWindow;

    private bool IsTlbWindowData(uint offset)
    {
        var within = offset - TlbWindow;
        return within < SysMmuV7Register.SecondWindow + 0x10 && (within & 0x10) == 0 && (within & 0xF) != 0;
    }

    private static bool IsTlbInfo(uint offset) => offset == SysMmuV7Register.TlbInfo;

    private (TranslationCache? Cache, int Index) SelectLinear(uint index)
    {
        var ways = (uint)_tlb[0].Entries;
        return index / ways < (uint)_tlb.Length ? (_tlb[index / ways], (int)(index % ways)) : (null, 0);
    }

    private (TranslationCache? Cache, int Index) SelectWay(SysMmuTlbSelector selector) =>
        selector.Tlb == 0 && selector.Set < (uint)_tlb.Length ? (_tlb[selector.Set], (int)selector.Way) : (null, 0);

    private static uint Show(Column column, (TranslationCache? Cache, int Index) entry)
    {
        var (cache, index) = entry;
        if (cache is null || index >= cache.Entries || !cache.IsValid(index))
            return 0;
        return column switch
        {
            Column.Vpn => (uint)(cache.Page(index).Value >> 12),
            Column.Ppn => (uint)(cache.Base(index).Value >> 12),
            Column.AttributesV7 => SysMmuV7Register.AttributeValid,
            _ => (cache.Info(index) & DirectFetchFlag) != 0 ? SysMmuV5Register.AttributeSpecialSlot : 0,
        };
    }

    private enum Column
    {
        // Numbered as the words of a version 7 window, whose word 0 is the selector.
        Vpn = 1,
        Ppn = 2,
        AttributesV7 = 3,
        AttributesV5 = 4,
    }
}
