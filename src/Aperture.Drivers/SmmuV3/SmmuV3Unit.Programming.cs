using Aperture.Core;
using Aperture.Datasheets.SmmuV3;
using Aperture.Devices;

namespace Aperture.Drivers.SmmuV3;

/// <summary>Bringing the unit up and down.</summary>
public sealed partial class SmmuV3Unit
{
    private const uint CoherentAccesses = 0xD75; // CR1: tables and queues inner shareable, write-back inside and outside

    private static readonly TimeSpan s_interval = TimeSpan.FromMicroseconds(10);

    /// <inheritdoc/>
    /// <remarks>While the unit is off everything is aborted. Nothing of what it knew is left afterwards, whoever left it on.</remarks>
    protected override void Program()
    {
        SwitchOff();
        _registers.Write32(SmmuV3Register.GlobalErrorAck, _registers.Read32(SmmuV3Register.GlobalError));
        _registers.Write32(SmmuV3Register.Cr1, _identity.IsCoherent ? CoherentAccesses : 0);
        _registers.Write32(SmmuV3Register.Cr2, SmmuV3Register.PrivateTlbMaintenance | SmmuV3Register.RecordInvalidStreams);
        WriteTables();
        _registers.Write64(SmmuV3Register.StreamTableBase, _streams.Base);
        _registers.Write32(SmmuV3Register.StreamTableConfig, _streams.Config);

        _commands.Reset();
        var control = SmmuV3Control.CommandQueue;
        Set(control);
        _commands.Add(SmmuV3Command.DropStreams());
        if (_identity.Features.Has(SmmuV3Features.Hypervisor))
            _commands.Add(SmmuV3Command.Tlb(SmmuV3Opcode.TlbHypervisorAll));
        _commands.Add(SmmuV3Command.Tlb(SmmuV3Opcode.TlbNonSecureAll));
        _commands.Sync();

        _events.Reset();
        Set(control |= SmmuV3Control.EventQueue);
        if (_requests is not null)
        {
            if (_requests.IsSet)
                _requests.Drain(OweLost);
            _requests.Reset();
            Set(control |= SmmuV3Control.PageRequestQueue);
        }

        if (_identity.HasAts)
            Set(control |= SmmuV3Control.ChecksTranslated);
        // What was removed meanwhile devices were not told of.
        foreach (var master in _masters)
            DropDeviceTranslations(master, null);
        SetInterrupts(_requests is null ? SmmuV3Interrupts.GlobalError | SmmuV3Interrupts.EventQueue : SmmuV3Interrupts.All);
        Set(control | SmmuV3Control.Translates);
        foreach (var master in _masters)
        {
            if (master.IsAtsOn != MayTranslate(master))
                SetServices(master, !master.IsAtsOn);
        }

        CatchUpAnswers();
        FreeRetired();
    }

    /// <inheritdoc/>
    protected override void Suspend() => SwitchOff();

    /// <summary>Switches all off, so that every access is aborted.</summary>
    private void SwitchOff()
    {
        Await(SmmuV3Register.GlobalBypass, SmmuV3Register.GlobalBypassUpdate, 0, "GBPA");
        var bypass = _registers.Read32(SmmuV3Register.GlobalBypass);
        _registers.Write32(
            SmmuV3Register.GlobalBypass, bypass | SmmuV3Register.GlobalBypassAbort | SmmuV3Register.GlobalBypassUpdate);
        Await(SmmuV3Register.GlobalBypass, SmmuV3Register.GlobalBypassUpdate, 0, "GBPA");
        Set(SmmuV3Control.None);
        _registers.Write32(SmmuV3Register.InterruptControl, 0);
        Await(SmmuV3Register.InterruptControlAck, (uint)SmmuV3Interrupts.All, 0, "IRQ_CTRLACK");
    }

    private void Set(SmmuV3Control control)
    {
        _registers.Write32(SmmuV3Register.Cr0, (uint)control);
        Await(SmmuV3Register.Cr0Ack, (uint)SmmuV3Control.All, (uint)control, "CR0ACK");
    }

    /// <summary>Interrupts by wire: where the unit could write messages it is told not to.</summary>
    private void SetInterrupts(SmmuV3Interrupts interrupts)
    {
        if (_identity.Features.Has(SmmuV3Features.Messages))
        {
            _registers.Write64(SmmuV3Register.GlobalErrorMessage, 0);
            _registers.Write64(SmmuV3Register.EventQueueMessage, 0);
            if (_requests is not null)
                _registers.Write64(SmmuV3Register.PageRequestQueueMessage, 0);
        }

        _registers.Write32(SmmuV3Register.InterruptControl, (uint)interrupts);
        Await(SmmuV3Register.InterruptControlAck, (uint)SmmuV3Interrupts.All, (uint)interrupts, "IRQ_CTRLACK");
    }

    /// <summary>Writes all entries and descriptors as the books have them; the unit reads none.</summary>
    private void WriteTables()
    {
        foreach (var stream in _known)
            _streams.Write(stream, EntryOf(OwnerOf(stream)).Words);
        foreach (var master in _masters)
            Rewrite(master);
    }

    /// <exception cref="ApertureException"><see cref="Status.TimedOut"/>: the register does not follow.</exception>
    private void Await(uint register, uint mask, uint value, string name)
    {
        if ((_registers.Read32(register) & mask) == value)
            return;
        if (_time.WaitUntil(
            (Registers: _registers, Register: register, Mask: mask, Value: value),
            static it => (it.Registers.Read32(it.Register) & it.Mask) == it.Value,
            s_interval,
            _options.Limit))
            return;
        throw new ApertureException(
            Status.TimedOut, $"{Name} does not follow: {name} stays 0x{_registers.Read32(register):x}, not 0x{value:x} (mask 0x{mask:x})");
    }
}
