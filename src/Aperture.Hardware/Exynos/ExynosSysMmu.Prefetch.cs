using Aperture.Core;
using Aperture.Datasheets.Exynos;

namespace Aperture.Hardware.Exynos;

/// <content>Software direct fetch, and the prefetch buffers of versions 3.3 and 5: one set of registers shows the selected
/// buffer. Buffers only make silicon faster; here they are storage.</content>
public sealed partial class ExynosSysMmu
{
    private const int WordsPerBuffer = 4; // configuration, start, end, AXI ID

    private readonly uint[] _buffers; // registers of every prefetch buffer

    private bool TryReadBuffer(uint offset, out uint value)
    {
        value = 0;
        var register = BufferRegister(offset);
        if (register < 0)
            return false;
        if (TrySelectBuffer(out var buffer))
            value = _buffers[(buffer * WordsPerBuffer) + register];
        return true;
    }

    private bool TryWriteBuffer(uint offset, uint value)
    {
        var register = BufferRegister(offset);
        if (register < 0)
            return false;
        if (TrySelectBuffer(out var buffer))
            _buffers[(buffer * WordsPerBuffer) + register] = value;
        return true;
    }

    private int BufferRegister(uint offset)
    {
        if (HasV33Registers)
        {
            return offset switch
            {
                SysMmuV1Register.PrefetchConfig => 0,
                SysMmuV1Register.PrefetchStart => 1,
                SysMmuV1Register.PrefetchEnd => 2,
                _ => -1,
            };
        }

        return _layout != SysMmuLayout.V5 ? -1 : offset switch
        {
            SysMmuV5Register.PrefetchConfig => 0,
            SysMmuV5Register.PrefetchStart => 1,
            SysMmuV5Register.PrefetchEnd => 2,
            SysMmuV5Register.PrefetchAxiId => 3,
            _ => -1,
        };
    }

    /// <summary>The buffer that the registers show. One beyond the layout's number of usable buffers reads zero and takes no writes
    /// (inferred).</summary>
    private bool TrySelectBuffer(out int buffer)
    {
        var (layout, select) = _layout == SysMmuLayout.V1
            ? (this[SysMmuV1Register.PrefetchLayout], this[SysMmuV1Register.PrefetchSelect])
            : (this[SysMmuV5Register.PrefetchLayout], this[SysMmuV5Register.PrefetchSelect]);
        buffer = (int)(select & 0xFF);
        return buffer < SysMmuPrefetch.UsableBuffers(Options.PrefetchBuffers, layout);
    }

    /// <summary>Loads the translation of a device address without an access. One that faults is dropped silently, the queue is
    /// empty at once, and the slot may be replaced like any other (all inferred).</summary>
    private void FetchDirectly(uint address)
    {
        var target = new Iova(address);
        var bank = BankOf(target);
        if (_mode == Mode.PassingThrough || bank.Probe(_tags[0], target, out _) != 0)
            return;
        if (Walk(address, 0, out var shift, out var page, out var info) == FaultKind.None)
            FillTlb(bank, 0, target, shift, page, info | DirectFetchFlag);
    }

    private void ReleaseDirectFetches()
    {
        foreach (var bank in _tlb)
        {
            for (var i = 0; i < bank.Entries; i++)
            {
                if (bank.IsValid(i) && (bank.Info(i) & DirectFetchFlag) != 0)
                    bank.Set(i, bank.Tag(i), PageOf(bank.Page(i), bank.PageShift(i), bank.Base(i).Value, bank.Info(i) & ~DirectFetchFlag));
            }
        }
    }
}
