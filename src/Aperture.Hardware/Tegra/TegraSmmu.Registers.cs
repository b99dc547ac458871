using Aperture.Datasheets.Tegra;

namespace Aperture.Hardware.Tegra;

/// <content>The register window. Registers without behaviour, known or not, are storage, as recorded.</content>
public sealed partial class TegraSmmu
{
    private const uint StatisticsBit = 1u << 31; // of TLB_CONFIG and PTC_CONFIG

    /// <inheritdoc/>
    /// <remarks>Only aligned 32-bit accesses are answered.</remarks>
    protected override bool TryReadRegister(uint offset, int width, out ulong value)
    {
        value = 0;
        if (!IsAccess(offset, width))
            return false;
        value = offset switch
        {
            TegraMcRegister.TableData => _tables[this[TegraMcRegister.TableAsid] & _asidMask],
            TegraMcRegister.TlbHits => Count(TegraMcRegister.TlbConfig, QuickHits + _tlb.Hits),
            TegraMcRegister.TlbMisses => Count(TegraMcRegister.TlbConfig, _walks),
            TegraMcRegister.PtcHits => Count(TegraMcRegister.PtcConfig, _ptc.Hits),
            TegraMcRegister.PtcMisses => Count(TegraMcRegister.PtcConfig, _ptc.Misses),
            TegraMcRegister.HotResetStatus => ReadHotResetStatus(TegraMcRegister.HotResetControl),
            TegraMcRegister.HotResetStatus1 => ReadHotResetStatus(TegraMcRegister.HotResetControl1),
            _ => this[offset],
        };
        return true;
    }

    /// <inheritdoc/>
    /// <remarks>Only aligned 32-bit accesses are answered.</remarks>
    protected override bool TryWriteRegister(uint offset, int width, ulong value)
    {
        if (!IsAccess(offset, width))
            return false;
        var word = (uint)value;
        switch (offset)
        {
            case TegraMcRegister.InterruptStatus:
                this[offset] &= ~word;
                RefreshInterrupt();
                break;
            case TegraMcRegister.InterruptMask:
                this[offset] = word;
                RefreshInterrupt();
                break;
            case TegraMcRegister.TableAsid:
                this[offset] = word & TegraSwgroupAsid.AsidMask;
                break;
            case TegraMcRegister.TableData:
                _tables[this[TegraMcRegister.TableAsid] & _asidMask] = word;
                EndAccesses();
                break;
            case TegraMcRegister.TlbFlush:
                FlushTlb(new TegraTlbFlush(word));
                break;
            case TegraMcRegister.PtcFlush:
                FlushPtc(new TegraPtcFlush(word));
                break;
            case TegraMcRegister.PtcFlushHigh:
                this[offset] = word & 3;
                break;
            case TegraMcRegister.HotResetControl or TegraMcRegister.HotResetControl1:
                WriteHotReset(offset, word);
                break;
            default:
                if (!IsReadOnly(offset))
                    Store(offset, word);
                break;
        }

        return true;
    }

    private bool IsAccess(uint offset, int width) => Answers && width == sizeof(uint) && offset < Size && offset % sizeof(uint) == 0;

    private static bool IsReadOnly(uint offset) => offset is TegraMcRegister.ErrorStatus or TegraMcRegister.ErrorAddress
        or TegraMcRegister.VideoProtectStatus or TegraMcRegister.VideoProtectStatus + 4
        or TegraMcRegister.SecurityStatus or TegraMcRegister.SecurityStatus + 4
        or TegraMcRegister.MtsStatus or TegraMcRegister.MtsStatus + 4
        or TegraMcRegister.CarveoutStatus or TegraMcRegister.CarveoutStatus + 4
        or TegraMcRegister.TlbHits or TegraMcRegister.TlbMisses or TegraMcRegister.PtcHits or TegraMcRegister.PtcMisses
        or TegraMcRegister.HotResetStatus or TegraMcRegister.HotResetStatus1;

    private void Store(uint offset, uint word)
    {
        if (this[offset] == word)
            return;
        this[offset] = word;
        Refresh();
    }

    /// <summary>A counter as software sees it: only while statistics are on (inferred).</summary>
    private uint Count(uint config, ulong counter) => (this[config] & StatisticsBit) != 0 ? (uint)counter : 0;
}
