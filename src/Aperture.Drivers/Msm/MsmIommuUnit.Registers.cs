using Aperture.Core;
using Aperture.Core.PageTables.Formats;
using Aperture.Datasheets.Arm;
using Aperture.Datasheets.Msm;
using Aperture.Iommu;

namespace Aperture.Drivers.Msm;

/// <summary>The register sequences. A bank that runs is never switched off on its way to another domain: until its machine IDs lead
/// elsewhere that would let their accesses pass untranslated.</summary>
public sealed partial class MsmIommuUnit
{
    /// <summary>Resets the unit and tries a translation operation on a bank without tables, which must answer something.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NoDevice"/>: it answers zero.</exception>
    internal void Test()
    {
        using (Registers.Hold())
        {
            _clocks.On();
            try
            {
                ResetShared();
                foreach (var context in _contexts)
                    ResetBank(context);
                var bank = _contexts[0].Number;
                Write(bank, MsmContextRegisters.SystemControl, MsmSystemControl.EnableBit);
                Write(bank, MsmContextRegisters.TranslationResult, 0);
                Write(bank, MsmContextRegisters.AuxiliaryControl, MsmAuxiliaryControl.OperationTests);
                Write(bank, MsmContextRegisters.TranslatePrivilegedRead, 0);
                var answer = Read(bank, MsmContextRegisters.TranslationResult);
                Write(bank, MsmContextRegisters.AuxiliaryControl, 0);
                Write(bank, MsmContextRegisters.SystemControl, 0);
                if (answer == 0)
                    throw new ApertureException(Status.NoDevice, $"{Name} fails its self-test: the translation operation answers nothing");
            }
            finally
            {
                _clocks.Off();
            }
        }
    }

    /// <inheritdoc/>
    /// <remarks>Machine IDs are refused first, so that none leads into a bank that is not ready for it.</remarks>
    protected override void Program()
    {
        _clocks.On();
        try
        {
            ResetShared();
            for (uint machine = 0; machine < MsmGlobalRegisters.Machines; machine++)
                _registers.Write32(MsmGlobalRegisters.MachineMapOf(machine), MsmMachineMap.Refused.Bits);
            foreach (var context in _contexts)
            {
                if (context.Domain is { IsPaging: true } && IsUsed(context))
                    Start(context, isFresh: true);
                else
                    Stop(context, isFresh: true);
            }

            foreach (var attachment in Attachments)
                Route(attachment);
        }
        finally
        {
            _clocks.Off();
        }
    }

    /// <inheritdoc/>
    protected override void Suspend()
    {
        _clocks.On();
        try
        {
            foreach (var context in _contexts)
            {
                if (context.Domain is { IsPaging: true })
                    Quiet(context);
            }
        }
        finally
        {
            _clocks.Off();
        }
    }

    private void ResetShared()
    {
        _registers.Write32(MsmGlobalRegisters.Control, 0);
        _registers.Write32(MsmGlobalRegisters.ErrorStatusRestore, 0);
        _registers.Write32(MsmGlobalRegisters.TestBus, 0);
        _registers.Write32(MsmGlobalRegisters.TlbSelect, 0);
        _registers.Write32(MsmGlobalRegisters.InvalidateAll, 0);
        _registers.Write32(MsmGlobalRegisters.ProtectionAccess, 0);
        _registers.Write32(MsmGlobalRegisters.Control, MsmControl.LockWritableBit);
    }

    /// <summary>Brings a bank's domain into force, whatever the bank did before. Afterwards nothing of an earlier domain is left: the new
    /// table is in place before the bank is invalidated, so that no walk can bring the old one back.</summary>
    private void Start(MsmContext context, bool isFresh)
    {
        if (context.Domain is not PagingDomain<ArmShortFormat> domain)
        {
            Stop(context, isFresh);
            return;
        }

        var bank = context.Number;
        var table = domain.Table;
        Write(bank, MsmContextRegisters.TableBase0, table.Format.TableBase(table.Root));
        if (!context.IsRunning || isFresh)
        {
            _registers.Write32(MsmGlobalRegisters.ContextAttributesOf(bank), 0);
            Write(bank, MsmContextRegisters.ContextId, (uint)bank);
            Write(bank, MsmContextRegisters.TableControl, table.Format.TableControl);
            Write(bank, MsmContextRegisters.TableBase1, 0);
            Write(bank, MsmContextRegisters.PrimaryRemap, ArmShortFormat.Prrr);
            Write(bank, MsmContextRegisters.NormalRemap, ArmShortFormat.Nmrr);
            Write(bank, MsmContextRegisters.TlbLock, 0);
            Write(bank, MsmContextRegisters.BlockFetch, MsmContextRegisters.BlockFetchData);
            Write(bank, MsmContextRegisters.AuxiliaryControl, MsmAuxiliaryControl.Running);
        }

        Write(bank, MsmContextRegisters.InvalidateAll, 0);
        EndStall(context, isFresh);
        Write(bank, MsmContextRegisters.SystemControl, MsmSystemControl.Running);
        (context.IsRunning, context.IsCurrent) = (true, true);
    }

    /// <summary>Leaves a bank that translates nothing: addresses pass unchanged, as after a reset.</summary>
    private void Stop(MsmContext context, bool isFresh)
    {
        EndStall(context, isFresh);
        ResetBank(context);
        (context.IsRunning, context.IsCurrent) = (false, true);
    }

    /// <summary>A fault from before would be reported against a table that it did not meet; an access stalled since then ends.</summary>
    private void EndStall(MsmContext context, bool isFresh)
    {
        Write(context.Number, MsmContextRegisters.FaultStatusRestore, 0);
        if (context.IsStalled || isFresh)
            Write(context.Number, MsmContextRegisters.Resume, MsmContextRegisters.ResumeTerminate);
        context.IsStalled = false;
    }

    private void ResetBank(MsmContext context)
    {
        foreach (var register in s_resetRegisters)
            Write(context.Number, register, 0);
    }

    private static readonly uint[] s_resetRegisters =
    [
        MsmContextRegisters.AuxiliaryControl, MsmContextRegisters.SystemControl, MsmContextRegisters.FaultStatusRestore,
        MsmContextRegisters.TableBase0,
        MsmContextRegisters.TableBase1, MsmContextRegisters.TableControl, MsmContextRegisters.BlockFetch,
        MsmContextRegisters.TranslationResult,
        MsmContextRegisters.FaultAddress, MsmContextRegisters.InvalidateAll, MsmContextRegisters.FirstLevelFetched,
        MsmContextRegisters.SecondLevelFetched,
        MsmContextRegisters.TlbLock,
    ];

    /// <summary>Keeps a bank from walking while the unit is suspended: whoever makes accesses then gets nowhere, whatever becomes of the
    /// tables.</summary>
    private void Quiet(MsmContext context)
    {
        var bank = context.Number;
        Write(bank, MsmContextRegisters.TableControl, ArmTableControl.Disable0Bit | ArmTableControl.Disable1Bit);
        Write(bank, MsmContextRegisters.AuxiliaryControl, MsmAuxiliaryControl.MissWalks);
        Write(bank, MsmContextRegisters.InvalidateAll, 0);
        EndStall(context, isFresh: false);
        context.IsRunning = false;
    }

    private uint Read(int bank, uint register) => _registers.Read32(MsmContextRegisters.Of(bank, register));

    private void Write(int bank, uint register, uint value) => _registers.Write32(MsmContextRegisters.Of(bank, register), value);
}
