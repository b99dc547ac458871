using Aperture.Datasheets.Msm;

namespace Aperture.Hardware.Msm;

/// <content>The register window: a page for each context bank, and the last page for what they share. Registers without behaviour are
/// storage, as recorded; the pages between read zero.</content>
public sealed partial class MsmIommu
{
    private MsmControl Control => new(Global(MsmGlobalRegisters.Control));

    /// <inheritdoc/>
    /// <remarks>Only aligned 32-bit accesses are answered.</remarks>
    protected override bool TryReadRegister(uint offset, int width, out ulong value)
    {
        value = 0;
        if (!IsAccess(offset, width))
            return false;
        value = offset switch
        {
            MsmGlobalRegisters.TlbRights or MsmGlobalRegisters.TlbTarget or MsmGlobalRegisters.TlbTag => ReadTlb(offset),
            >= MsmGlobalRegisters.Page => Global(offset),
            _ when offset / MsmContextRegisters.Stride < (uint)_banks.Length =>
                _banks[offset / MsmContextRegisters.Stride][offset % MsmContextRegisters.Stride],
            _ => 0,
        };
        return true;
    }

    /// <inheritdoc/>
    /// <remarks>Only aligned 32-bit accesses are answered.</remarks>
    protected override bool TryWriteRegister(uint offset, int width, ulong value)
    {
        if (!IsAccess(offset, width))
            return false;
        if (offset >= MsmGlobalRegisters.Page)
            WriteGlobal(offset, (uint)value);
        else if (offset / MsmContextRegisters.Stride < (uint)_banks.Length)
            WriteBank(_banks[offset / MsmContextRegisters.Stride], offset % MsmContextRegisters.Stride, (uint)value);
        return true;
    }

    /// <summary>Sets a register as hardware does by itself: a fault that some other model found. No side effect but the one of the new
    /// value: interrupt lines and state follow it.</summary>
    /// <param name="offset">Byte offset of a register.</param>
    /// <param name="value">What it reads from now on.</param>
    /// <exception cref="ArgumentOutOfRangeException">No such register.</exception>
    public void Poke(uint offset, uint value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(offset, Size);
        ArgumentOutOfRangeException.ThrowIfNotEqual(offset % sizeof(uint), 0u);
        using (HoldRegisters())
        {
            Store(offset, value);
            RefreshAll();
            EndAccesses();
        }
    }

    private bool IsAccess(uint offset, int width) => Answers && width == sizeof(uint) && offset < Size && offset % sizeof(uint) == 0;

    private uint Global(uint offset) => _global[(offset - MsmGlobalRegisters.Page) / sizeof(uint)];

    private void Store(uint offset, uint value)
    {
        if (offset >= MsmGlobalRegisters.Page)
            _global[(offset - MsmGlobalRegisters.Page) / sizeof(uint)] = value;
        else if (offset / MsmContextRegisters.Stride < (uint)_banks.Length)
            _banks[offset / MsmContextRegisters.Stride][offset % MsmContextRegisters.Stride] = value;
    }

    private void WriteGlobal(uint offset, uint value)
    {
        switch (offset)
        {
            case MsmGlobalRegisters.Revision or MsmGlobalRegisters.Identification
                or MsmGlobalRegisters.TlbRights or MsmGlobalRegisters.TlbTarget or MsmGlobalRegisters.TlbTag:
                return;
            case MsmGlobalRegisters.ErrorStatus:
                Store(offset, Global(offset) & ~value);
                break;
            case MsmGlobalRegisters.ErrorStatusRestore:
                Store(offset, value);
                Store(MsmGlobalRegisters.ErrorStatus, value);
                break;
            case MsmGlobalRegisters.InvalidateAll:
                Store(offset, value);
                InvalidateAll();
                EndAccesses();
                return;
            case MsmGlobalRegisters.InvalidateVmid:
                Store(offset, value);
                InvalidateVmid(value & (Vmids - 1));
                EndAccesses();
                return;
            case MsmGlobalRegisters.TlbSelect:
                Store(offset, value);
                return;
            default:
                Store(offset, value);
                EndAccesses();
                break;
        }

        RefreshAll();
    }

    private void WriteBank(MsmContextBank bank, uint offset, uint value)
    {
        switch (offset)
        {
            case MsmContextRegisters.FaultStatus:
                if (Options.ClearingReleases && (value & (uint)MsmFault.Stalled) != 0)
                    bank.Release(terminates: false);
                bank.Fault = (MsmFault)((uint)bank.Fault & ~value);
                break;
            case MsmContextRegisters.FaultStatusRestore:
                bank[offset] = value;
                bank.Fault = (MsmFault)value;
                break;
            case MsmContextRegisters.FaultIds or MsmContextRegisters.FaultTransaction:
                return;
            case MsmContextRegisters.TlbLock when (Control.Bits & MsmControl.LockWritableBit) == 0:
                return;
            case MsmContextRegisters.Resume:
                bank[offset] = value;
                bank.Release((value & MsmContextRegisters.ResumeTerminate) != 0);
                break;
            case MsmContextRegisters.TlbLock:
                bank[offset] = value;
                RefreshLocked();
                break;
            case >= MsmContextRegisters.InvalidateAll and <= MsmContextRegisters.TranslateUserWrite:
                bank[offset] = value;
                Act(bank, offset, value);
                return;
            case MsmContextRegisters.SystemControl or MsmContextRegisters.ContextId or MsmContextRegisters.TableControl
                or MsmContextRegisters.TableBase0 or MsmContextRegisters.TableBase1:
                bank[offset] = value;
                EndAccesses();
                break;
            default:
                bank[offset] = value;
                break;
        }

        bank.Refresh();
        RefreshInterrupts();
    }

    private void Act(MsmContextBank bank, uint offset, uint value)
    {
        switch (offset)
        {
            case MsmContextRegisters.InvalidateAll:
                InvalidateContext(bank);
                EndAccesses();
                break;
            case MsmContextRegisters.InvalidateAsid:
                InvalidateAsid(bank, value & 0xFF);
                EndAccesses();
                break;
            case MsmContextRegisters.InvalidateAddress:
                InvalidateAddress(bank, new MsmTlbAddress(value));
                EndAccesses();
                break;
            case MsmContextRegisters.InvalidateAddressAnyAsid:
                InvalidateAddressAnyAsid(bank, new MsmTlbAddress(value));
                EndAccesses();
                break;
            case MsmContextRegisters.TranslatePrivilegedRead:
                Operate(bank, value, Translation.DmaAccess.Read, isPrivileged: true);
                break;
            case MsmContextRegisters.TranslatePrivilegedWrite:
                Operate(bank, value, Translation.DmaAccess.Write, isPrivileged: true);
                break;
            case MsmContextRegisters.TranslateUserRead:
                Operate(bank, value, Translation.DmaAccess.Read, isPrivileged: false);
                break;
            case MsmContextRegisters.TranslateUserWrite:
                Operate(bank, value, Translation.DmaAccess.Write, isPrivileged: false);
                break;
        }
    }

    private void RefreshAll()
    {
        _clientsPass = (Control.Bits & MsmControl.ClientsPassBit) != 0;
        for (uint machine = 0; machine < MsmGlobalRegisters.Machines; machine++)
        {
            var bank = MapOf(machine).Bank;
            _bankOf[machine] = bank < _banks.Length ? _banks[bank] : null;
        }

        foreach (var bank in _banks)
        {
            bank.Attributes = new MsmContextAttributes(Global(MsmGlobalRegisters.ContextAttributesOf(bank.Number)));
            bank.Refresh();
        }

        RefreshLocked();
        RefreshInterrupts();
    }

    private MsmMachineMap MapOf(uint machine) => new(Global(MsmGlobalRegisters.MachineMapOf(machine)));
}
