using System.Runtime.CompilerServices;
using Aperture.Datasheets.Exynos;

namespace Aperture.Hardware.Exynos;

/// <content>The register window. Registers without behaviour, known or not, are storage, as recorded.</content>
public sealed partial class ExynosSysMmu
{
    private uint InterruptStatus => _layout == SysMmuLayout.V1 ? SysMmuV1Register.InterruptStatus : SysMmuV5Register.InterruptStatus;

    /// <summary>Whether the unit has the registers that version 3.3 added: TLB window, fault transaction, selectable prefetch
    /// buffers.</summary>
    private bool HasV33Registers => _layout == SysMmuLayout.V1 && _version.IsAtLeast(3, 3);

    /// <inheritdoc/>
    /// <remarks>Only aligned 32-bit accesses are answered.</remarks>
    protected override bool TryReadRegister(uint offset, int width, out ulong value)
    {
        value = 0;
        if (!IsAccess(offset, width))
            return false;
        if (offset == SysMmuRegister.Status)
            value = ReadStatus();
        else if (TryReadWindow(offset, out var word) || TryReadBuffer(offset, out word))
            value = word;
        else
            value = this[offset];
        return true;
    }

    /// <inheritdoc/>
    /// <remarks>Only aligned 32-bit accesses are answered.</remarks>
    protected override bool TryWriteRegister(uint offset, int width, ulong value)
    {
        if (!IsAccess(offset, width))
            return false;
        var word = (uint)value;
        if (offset == SysMmuRegister.Control)
            WriteControl(word);
        else if (offset == _flushEntry)
            FlushEntry(0, _flushVids, _words[offset / sizeof(uint)] = word);
        else if (_isPlain[offset / sizeof(uint)])
            WriteRegister(offset, word);
        else if (!IsReadOnly(offset))
            TryWriteBuffer(offset, word);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsAccess(uint offset, int width) => width == sizeof(uint) && offset % sizeof(uint) == 0
        && offset / sizeof(uint) < (uint)_words.Length && Answers;

    private void WriteRegister(uint offset, uint word)
    {
        this[offset] = word;
        if (offset == SysMmuRegister.Config)
        {
            RefreshAll();
            EndAccesses();
            return;
        }

        switch (_layout)
        {
            case SysMmuLayout.V1:
                ActV1(offset, word);
                break;
            case SysMmuLayout.V7Vm when offset >= SysMmuVmRegister.Block:
                ActVm((offset - SysMmuVmRegister.Block) / SysMmuVmRegister.BlockStride, offset % SysMmuVmRegister.BlockStride, word);
                break;
            default:
                ActV5(offset, word);
                break;
        }
    }

    private void ActV1(uint offset, uint word)
    {
        switch (offset)
        {
            case SysMmuV1Register.Flush:
                Flush(0, 1, word);
                break;
            case SysMmuV1Register.TableBase:
                RefreshAll();
                EndAccesses();
                break;
            case SysMmuV1Register.InterruptClear:
                ClearInterrupts(word);
                break;
        }
    }

    private void ActV5(uint offset, uint word)
    {
        switch (offset)
        {
            case SysMmuV5Register.Flush:
                Flush(0, _flushVids, word);
                break;
            case SysMmuV5Register.FlushRange:
                FlushRange(0, _flushVids, word, this[SysMmuV5Register.FlushRangeStart], this[SysMmuV5Register.FlushRangeEnd]);
                break;
            case SysMmuV5Register.InterruptClear:
                ClearInterrupts(word);
                break;
            case SysMmuV5Register.TableBase:
            case SysMmuV5Register.L2TlbConfig:
                RefreshAll();
                EndAccesses();
                break;
            case SysMmuV5Register.DirectFetch when _layout == SysMmuLayout.V5 && _version.IsAtLeast(5, 1):
                FetchDirectly(word);
                break;
            case SysMmuV5Register.TlbControl when _layout == SysMmuLayout.V5 && _version.IsAtLeast(5, 1) && word == 1:
                ReleaseDirectFetches();
                break;
        }
    }

    private void ActVm(uint vid, uint register, uint word)
    {
        switch (register)
        {
            case SysMmuVmRegister.Control:
            case SysMmuVmRegister.Config:
            case SysMmuVmRegister.TableBase:
                RefreshAll();
                EndAccesses();
                break;
            case SysMmuVmRegister.Flush:
                Flush(vid, 1, word);
                break;
            case SysMmuVmRegister.FlushEntry:
                FlushEntry(vid, 1, word);
                break;
            case SysMmuVmRegister.FlushRange:
                var (start, end) = (VmOffset(vid, SysMmuVmRegister.FlushRangeStart), VmOffset(vid, SysMmuVmRegister.FlushRangeEnd));
                FlushRange(vid, 1, word, this[start], this[end]);
                break;
        }
    }

    private void ClearInterrupts(uint bits)
    {
        this[InterruptStatus] &= ~bits;
        RefreshMode();
    }

    private bool IsReadOnly(uint offset)
    {
        if (offset is SysMmuRegister.Status or SysMmuRegister.Version || offset == InterruptStatus)
            return true;
        return _layout switch
        {
            SysMmuLayout.V1 => IsReadOnlyV1(offset),
            SysMmuLayout.V5 => IsReadOnlyV5(offset),
            _ => IsReadOnlyV7(offset),
        };
    }

    private bool IsReadOnlyV1(uint offset) => offset switch
    {
        SysMmuV1Register.PageFaultAddress or SysMmuV1Register.ReadFaultAddress or SysMmuV1Register.WriteFaultAddress => true,
        SysMmuV1Register.TlbEntryPpn or SysMmuV1Register.TlbEntryVpn or SysMmuV1Register.FaultTransactionInfo
            or SysMmuV1Register.PrefetchInfo or SysMmuV1Register.PrefetchBaseVpn => HasV33Registers,
        _ => false,
    };

    private static bool IsReadOnlyV5(uint offset) => offset is SysMmuV5Register.Capability or SysMmuV5Register.Capability1
        or SysMmuV5Register.ReadFaultAddress or SysMmuV5Register.ReadFaultInfo
        or SysMmuV5Register.WriteFaultAddress or SysMmuV5Register.WriteFaultInfo
        or SysMmuV5Register.PrefetchInfo or SysMmuV5Register.DirectFetchQueue
        or SysMmuV5Register.TlbEntryVpn or SysMmuV5Register.TlbEntryPpn or SysMmuV5Register.TlbEntryAttributes
        or SysMmuV5Register.L2TlbEntryVpn or SysMmuV5Register.L2TlbEntryPpn or SysMmuV5Register.L2TlbEntryAttributes;

    private bool IsReadOnlyV7(uint offset)
    {
        if (offset is SysMmuV5Register.Capability or SysMmuV5Register.Capability1
            or SysMmuV7Register.Capability0 or SysMmuV7Register.Capability1
            or SysMmuV7Register.FaultAddress or SysMmuV7Register.FaultInfo
            || IsTlbInfo(offset) || IsTlbWindowData(offset))
        {
            return true;
        }

        return _layout == SysMmuLayout.V7Vm
            && offset - SysMmuVmRegister.FaultAddress < SysMmuVmRegister.Count * SysMmuVmRegister.FaultStride
            && offset % SysMmuVmRegister.FaultStride <= SysMmuVmRegister.FaultInfo - SysMmuVmRegister.FaultAddress;
    }

    private void ResetIdentity()
    {
        this[SysMmuRegister.Version] = Options.Version;
        if (HasV33Registers)
            this[SysMmuV1Register.PrefetchInfo] = (uint)Options.PrefetchBuffers;
        if (_layout == SysMmuLayout.V1)
            return;

        this[SysMmuV5Register.Capability] = Options.Capability;
        this[SysMmuV5Register.Capability1] = Options.CapabilityMore;
        if (_layout == SysMmuLayout.V5)
        {
            this[SysMmuV5Register.PrefetchInfo] = (uint)Options.PrefetchBuffers;
            this[SysMmuV5Register.L2TlbConfig] = Options.L2TlbConfigReset;
            return;
        }

        this[SysMmuV7Register.Capability0] = Options.Capability0;
        this[SysMmuV7Register.Capability1] = Options.Capability1;
        this[SysMmuV7Register.TlbInfo] = ((uint)_tlb.Length << 16) | (uint)_tlb[0].Entries;
    }
}
