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
        using (_lock.Hold())
        {
            _clocks.Enable();
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
                _clocks.Disable();
            }
        }
    }

    /// <summary>Programs everything from any state of the registers. Machine IDs are refused first, so that none leads into a bank that
    /// is not ready for it.</summary>
    private void ProgramAll()
    {
        _isAstray = true;
        ResetShared();
        for (uint machine = 0; machine < MsmGlobalRegisters.Machines; machine++)
            _registers.Write32(MsmGlobalRegisters.MachineMapOf(machine), MsmMachineMap.Refused.Bits);
        foreach (var context in _contexts)
        {
            if (context.Domain is { IsPaging: true })
                Start(context);
            else
                Stop(context);
        }

        foreach (var place in _places)
            Route(place);
        _isAstray = false;
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
    /// table is in place before the bank forgets, so that no walk can bring the old one back.</summary>
    private void Start(MsmContext context)
    {
        if (context.Domain is not PagingDomain<ArmShortFormat> domain)
        {
            Stop(context);
            return;
        }

        var bank = context.Number;
        var table = domain.Table;
        Write(bank, MsmContextRegisters.TableBase0, table.Format.TableBase(table.Root));
        if (!context.IsRunning || _isAstray)
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
        LetGo(context);
        Write(bank, MsmContextRegisters.SystemControl, MsmSystemControl.Running);
        context.IsRunning = true;
    }

    /// <summary>Leaves a bank that translates nothing: addresses pass unchanged, as after a reset.</summary>
    private void Stop(MsmContext context)
    {
        LetGo(context);
        ResetBank(context);
        context.IsRunning = false;
    }

    /// <summary>A fault from before would be reported against a table that it did not meet; an access held back since then ends.</summary>
    private void LetGo(MsmContext context)
    {
        Write(context.Number, MsmContextRegisters.FaultStatusRestore, 0);
        if (context.IsHeldBack || _isAstray)
            Write(context.Number, MsmContextRegisters.Resume, MsmContextRegisters.ResumeTerminate);
        context.IsHeldBack = false;
    }

    private void ResetBank(MsmContext context)
    {
        foreach (var register in s_resetRegisters)
            Write(context.Number, register, 0);
    }

    private static readonly uint[] s_resetRegisters =
    [
        MsmContextRegisters.AuxiliaryControl, MsmContextRegisters.SystemControl, MsmContextRegisters.FaultStatusRestore, MsmContextRegisters.TableBase0,
        MsmContextRegisters.TableBase1, MsmContextRegisters.TableControl, MsmContextRegisters.BlockFetch, MsmContextRegisters.TranslationResult,
        MsmContextRegisters.FaultAddress, MsmContextRegisters.InvalidateAll, MsmContextRegisters.FirstLevelFetched, MsmContextRegisters.SecondLevelFetched,
        MsmContextRegisters.TlbLock,
    ];

    /// <summary>Keeps a bank from walking while the unit is suspended: whoever makes accesses then gets nowhere, whatever becomes of the tables.</summary>
    private void Quiet(MsmContext context)
    {
        var bank = context.Number;
        Write(bank, MsmContextRegisters.TableControl, ArmTableControl.Disable0Bit | ArmTableControl.Disable1Bit);
        Write(bank, MsmContextRegisters.AuxiliaryControl, MsmAuxiliaryControl.MissWalks);
        Write(bank, MsmContextRegisters.InvalidateAll, 0);
        LetGo(context);
        context.IsRunning = false;
    }

    /// <summary>Lets a master's machine IDs lead to its bank, or nowhere.</summary>
    private void Route(MsmPlace place)
    {
        foreach (var machine in place.Machines)
        {
            var map = PlaceOf(machine.Value)?.Context is { } context ? MsmMachineMap.To(context.Number) : MsmMachineMap.Refused;
            _registers.Write32(MsmGlobalRegisters.MachineMapOf(machine.Value), map.Bits);
        }
    }

    private uint Read(int bank, uint register) => _registers.Read32(MsmContextRegisters.Of(bank, register));

    private void Write(int bank, uint register, uint value) => _registers.Write32(MsmContextRegisters.Of(bank, register), value);
}
