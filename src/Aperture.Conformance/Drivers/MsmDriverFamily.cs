using Aperture.Conformance.Models;
using Aperture.Conformance.Vectors;
using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;
using Aperture.Datasheets.Msm;
using Aperture.Devices;
using Aperture.Drivers.Msm;
using Aperture.Hardware.Msm;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Conformance.Drivers;

/// <summary>MSM IOMMUs.</summary>
public class MsmDriverFamily : DriverFamily
{
    /// <inheritdoc/>
    public override ModelFamily Models { get; } = new MsmModelFamily();

    /// <inheritdoc/>
    public override bool AttachHoldsPower => true;

    /// <inheritdoc/>
    public override bool TablesLiveWhileAttached => true;

    /// <inheritdoc/>
    /// <remarks>Sections over tables only; other overlaps are refused.</remarks>
    public override bool OverwritesMappings => true;

    /// <inheritdoc/>
    public override bool DoesRuns => true;

    /// <inheritdoc/>
    public override bool LosesSectionAddress => true;

    /// <inheritdoc/>
    /// <remarks>Those of a table that goes as a whole; of what goes as one page all or nothing goes.</remarks>
    public override bool CountsHoles => true;

    /// <inheritdoc/>
    public override bool KeepsFaultsToItself => true;

    /// <inheritdoc/>
    public override bool DeniesInterrupts => true;

    /// <inheritdoc/>
    public override int LargestPageShift => 24;

    /// <inheritdoc/>
    /// <remarks>The clocks run only around register accesses.</remarks>
    public override bool CanTranslate(TranslationUnit model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return model is { IsPowered: true, IsInReset: false };
    }

    /// <inheritdoc/>
    public override IDriver CreateDriver(IommuCore core, Func<string, UnitFacts> facts) => new Driver(new MsmIommuDriver(core), facts);

    /// <inheritdoc/>
    public override IEnumerable<string> Clocks(VectorEvent probe) => ["smmu_pclk", "iommu_clk"];

    /// <inheritdoc/>
    /// <remarks>Each machine ID was named with its unit before.</remarks>
    public override IEnumerable<uint[]> Cells(VectorEvent probe) => [];

    /// <inheritdoc/>
    public override StreamId Stream(uint[] cells)
    {
        ArgumentNullException.ThrowIfNull(cells);
        return new(cells[0]);
    }

    /// <inheritdoc/>
    public override IPageTableFormat Format(IommuDomain domain, ulong? zeroTable) => ((PagingDomain<ArmShortFormat>)domain).Table.Format;

    /// <inheritdoc/>
    public override ulong Root(IommuDomain domain) => ((PagingDomain<ArmShortFormat>)domain).Table.Root.Value;

    /// <inheritdoc/>
    public override IEnumerable<ControlRegister> Controls(TranslationUnit model)
    {
        yield return new("CR", MsmGlobalRegisters.Control, uint.MaxValue);
        for (uint machine = 0; machine < MsmGlobalRegisters.Machines; machine++)
            yield return new($"M2VCBR_{machine}", MsmGlobalRegisters.MachineMapOf(machine), uint.MaxValue, Undecided: 0);
        for (var bank = 0; bank < ((MsmIommu)model).Options.Banks; bank++)
        {
            yield return new($"CBACR_{bank}", MsmGlobalRegisters.ContextAttributesOf(bank), uint.MaxValue);
            foreach (var (name, register) in s_bankRegisters)
                yield return new($"{name} of bank {bank}", MsmContextRegisters.Of(bank, register), uint.MaxValue);
            yield return new(
                $"TTBR0 of bank {bank}", MsmContextRegisters.Of(bank, MsmContextRegisters.TableBase0), uint.MaxValue, IsTableBase: true);
        }
    }

    /// <inheritdoc/>
    public override IEnumerable<(string User, ulong Table)> Tables(TranslationUnit model)
    {
        for (var bank = 0; bank < ((MsmIommu)model).Options.Banks; bank++)
        {
            if ((Read(model, MsmContextRegisters.Of(bank, MsmContextRegisters.SystemControl)) & MsmSystemControl.EnableBit) != 0)
            {
                var root = new MsmTableBase(Read(model, MsmContextRegisters.Of(bank, MsmContextRegisters.TableBase0)));
                yield return ($"bank {bank}", root.Table);
            }
        }
    }

    /// <inheritdoc/>
    public override bool IsTranslating(Func<uint, uint> read)
    {
        ArgumentNullException.ThrowIfNull(read);
        return Enumerable.Range(0, MostBanks)
            .Any(bank => (read(MsmContextRegisters.Of(bank, MsmContextRegisters.SystemControl)) & MsmSystemControl.EnableBit) != 0);
    }

    /// <inheritdoc/>
    public override IEnumerable<uint> FaultState(TranslationUnit model) => Enumerable.Range(0, ((MsmIommu)model).Options.Banks)
        .SelectMany(bank => s_faultRegisters.Select(register => MsmContextRegisters.Of(bank, register)));

    /// <inheritdoc/>
    public override void UndoFault(TranslationUnit model, IReadOnlyDictionary<uint, uint> state)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(state);
        var isClocked = model.IsClocked;
        model.IsClocked = true;
        for (var bank = 0; bank < ((MsmIommu)model).Options.Banks; bank++)
            model.TryWrite(MsmContextRegisters.Of(bank, MsmContextRegisters.Resume), sizeof(uint), MsmContextRegisters.ResumeTerminate);
        model.IsClocked = isClocked;
        foreach (var (offset, value) in state)
            Models.Poke(model, offset, value);
    }

    /// <inheritdoc/>
    public override void CheckProbe(ReplayPart part, VectorEvent probe, IommuUnit unit)
    {
        ArgumentNullException.ThrowIfNull(part);
        ArgumentNullException.ThrowIfNull(probe);
        ArgumentNullException.ThrowIfNull(unit);
        part.Check(
            unit.Capabilities.Contexts <= probe.Count("contextBanks"),
            probe.Line,
            () => $"{probe.Count("contextBanks")} context banks at most",
            () => $"{unit.Capabilities.Contexts}");
    }

    private const int MostBanks = 128;

    private static readonly (string Name, uint Register)[] s_bankRegisters =
    [
        ("SCTLR", MsmContextRegisters.SystemControl), ("ACTLR", MsmContextRegisters.AuxiliaryControl),
        ("CONTEXTIDR", MsmContextRegisters.ContextId),
        ("TTBR1", MsmContextRegisters.TableBase1), ("TTBCR", MsmContextRegisters.TableControl), ("PRRR", MsmContextRegisters.PrimaryRemap),
        ("NMRR", MsmContextRegisters.NormalRemap), ("TLBLKCR", MsmContextRegisters.TlbLock), ("BFBCR", MsmContextRegisters.BlockFetch),
    ];

    private static readonly uint[] s_faultRegisters =
    [
        MsmContextRegisters.FaultStatus, MsmContextRegisters.FaultAddress, MsmContextRegisters.FaultIds,
        MsmContextRegisters.FaultTransaction,
    ];

    private static uint Read(TranslationUnit model, uint offset)
    {
        var isClocked = model.IsClocked;
        model.IsClocked = true;
        model.TryRead(offset, sizeof(uint), out var value);
        model.IsClocked = isClocked;
        return (uint)value;
    }

    /// <summary>The driver, told what a device tree would tell it.</summary>
    private sealed class Driver(MsmIommuDriver driver, Func<string, UnitFacts> facts) : IDriver
    {
        public string Name => driver.Name;

        public IReadOnlyList<string> Compatible => driver.Compatible;

        public IBoundDriver Probe(Device device)
        {
            var known = facts(device.Name);
            return driver.Probe(device, new MsmIommuDescription
            {
                Banks = known.Probe!.Count("contextBanks"),
                ReservedBanks = known.Behaviour is { } behaviour && behaviour.Has("contextBanksReserved")
                    ? behaviour.Count("contextBanksReserved")
                    : 0,
            });
        }
    }
}
