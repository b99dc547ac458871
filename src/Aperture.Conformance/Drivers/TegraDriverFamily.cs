using System.Runtime.CompilerServices;
using Aperture.Conformance.Models;
using Aperture.Conformance.Vectors;
using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;
using Aperture.Datasheets.Tegra;
using Aperture.Devices;
using Aperture.Drivers.Tegra;
using Aperture.Hardware.Tegra;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Conformance.Drivers;

/// <summary>Tegra SMMUs.</summary>
public class TegraDriverFamily : DriverFamily
{
    // what interrupts found since the last one that was compared
    private readonly ConditionalWeakTable<IommuUnit, List<TegraMemoryError>> _errors = [];

    /// <inheritdoc/>
    public override ModelFamily Models { get; } = new TegraModelFamily();

    /// <inheritdoc/>
    public override bool AttachHoldsPower => true;

    /// <inheritdoc/>
    public override bool OverwritesMappings => true;

    /// <inheritdoc/>
    public override bool KeepsFaultsToItself => true;

    /// <inheritdoc/>
    public override int LargestPageShift => TegraDescriptor.SectionShift;

    /// <inheritdoc/>
    public override IDriver CreateDriver(IommuCore core, Func<string, UnitFacts> facts) => new Driver(core, facts);

    /// <inheritdoc/>
    public override string Compatible(UnitFacts facts) => TegraModelFamily.Soc(facts).Compatible;

    /// <inheritdoc/>
    public override IEnumerable<uint[]> Cells(VectorEvent probe)
    {
        ArgumentNullException.ThrowIfNull(probe);
        return probe.Numbers("swgroups").Select(swgroup => (uint[])[(uint)swgroup]);
    }

    /// <inheritdoc/>
    public override bool IsUnknown(IommuUnit unit, uint[] cells)
    {
        ArgumentNullException.ThrowIfNull(unit);
        return unit.Translate(cells, out _) == Status.OutOfRange;
    }

    /// <inheritdoc/>
    public override StreamId Stream(uint[] cells)
    {
        ArgumentNullException.ThrowIfNull(cells);
        return new(cells[0]);
    }

    /// <inheritdoc/>
    public override void CheckProbe(ReplayPart part, VectorEvent probe, IommuUnit unit)
    {
        ArgumentNullException.ThrowIfNull(part);
        ArgumentNullException.ThrowIfNull(probe);
        var smmu = (TegraSmmuUnit)unit;
        var soc = smmu.Soc;
        part.CheckNumber(probe.Line, "address bits", probe.Number("addressBits"), soc.AddressBits);
        part.CheckNumber(probe.Line, "bytes of an atom", probe.Number("atomSize"), soc.Atom);
        part.CheckNumber(probe.Line, "TLB lines", probe.Number("tlbLines"), soc.TlbLines);
        part.CheckNumber(probe.Line, "address spaces", probe.Number("asids"), unit.Capabilities.Contexts);
        part.Check(
            probe.Flag("roundRobin") == soc.HasRoundRobin,
            probe.Line,
            () => $"round robin: {probe.Flag("roundRobin")}",
            () => $"{soc.HasRoundRobin}");
        part.Check(
            probe.Flag("requestLimit") == soc.HasRequestLimit,
            probe.Line,
            () => $"request limit: {probe.Flag("requestLimit")}",
            () => $"{soc.HasRequestLimit}");
        smmu.ErrorFound += _errors.GetOrCreateValue(unit).Add;
    }

    /// <inheritdoc/>
    public override void CheckInterrupt(ReplayPart part, RecordedCall call, IommuUnit unit)
    {
        ArgumentNullException.ThrowIfNull(part);
        ArgumentNullException.ThrowIfNull(call);
        var errors = _errors.GetOrCreateValue(unit);
        var recorded = call.Of("mcerr").ToArray();
        part.CheckNumber(call.Line, "errors found", recorded.Length, errors.Count);
        foreach (var (line, error) in recorded.Zip(errors))
        {
            part.CheckHex(line.Line, "the cause is", 1u << line.Count("bit"), (uint)error.Cause);
            part.CheckNumber(line.Line, "the client is", line.Number("client"), error.Client);
            part.CheckHex(line.Line, "the address is", line.Hex("addr"), error.Address);
            part.CheckNumber(line.Line, "the kind is", line.Number("type"), (int)error.Status.Kind);
            part.Check(
                line.Flag("write") == error.Status.IsWrite,
                line.Line,
                () => $"a write: {line.Flag("write")}",
                () => $"{error.Status.IsWrite}");
            part.Check(
                line.Flag("secure") == error.Status.IsSecure,
                line.Line,
                () => $"a secure access: {line.Flag("secure")}",
                () => $"{error.Status.IsSecure}");
            var rights = error.IsTranslationFault ? error.Rights : "";
            part.Check(line.Text("perm") == rights, line.Line, () => $"rights {line.Text("perm")}", () => rights);
        }

        errors.Clear();
    }

    /// <inheritdoc/>
    public override IPageTableFormat Format(IommuDomain domain, ulong? zeroTable) => ((PagingDomain<TegraFormat>)domain).Table.Format;

    /// <inheritdoc/>
    public override ulong Root(IommuDomain domain) => ((PagingDomain<TegraFormat>)domain).Table.Root.Value;

    /// <inheritdoc/>
    public override IEnumerable<ControlRegister> Controls(TranslationUnit model)
    {
        yield return new("SMMU_CONFIG", TegraMcRegister.Config, uint.MaxValue);
        yield return new("SMMU_TLB_CONFIG", TegraMcRegister.TlbConfig, uint.MaxValue);
        yield return new("SMMU_PTC_CONFIG", TegraMcRegister.PtcConfig, uint.MaxValue);
        for (var i = 0; i < TegraMcRegister.TranslationEnables; i++)
            yield return new($"SMMU_TRANSLATION_ENABLE_{i}", TegraMcRegister.TranslationEnable(i), uint.MaxValue);
        foreach (var swgroup in ((TegraSmmu)model).Options.Soc.Swgroups)
            yield return new($"{swgroup.Name} enable", swgroup.AsidRegister, TegraSwgroupAsid.EnableBit);
    }

    /// <inheritdoc/>
    public override IEnumerable<(string User, ulong Table)> Tables(TranslationUnit model)
    {
        var smmu = (TegraSmmu)model;
        foreach (var swgroup in smmu.Options.Soc.Swgroups)
        {
            smmu.TryRead(swgroup.AsidRegister, sizeof(uint), out var value);
            var asid = new TegraSwgroupAsid((uint)value);
            if (asid.IsEnabled)
            {
                var root = new TegraDescriptor(smmu.TableData((int)asid.Asid % smmu.Options.Soc.Asids));
                yield return (swgroup.Name, root.Address(smmu.Options.Soc.FrameMask));
            }
        }
    }

    /// <inheritdoc/>
    public override bool IsTranslating(Func<uint, uint> read)
    {
        ArgumentNullException.ThrowIfNull(read);
        return (read(TegraMcRegister.Config) & TegraMcRegister.ConfigEnable) != 0;
    }

    /// <inheritdoc/>
    public override IEnumerable<uint> FaultState(TranslationUnit model) =>
        [TegraMcRegister.InterruptStatus, TegraMcRegister.ErrorStatus, TegraMcRegister.ErrorAddress];

    /// <inheritdoc/>
    public override void UndoFault(TranslationUnit model, IReadOnlyDictionary<uint, uint> state)
    {
        ArgumentNullException.ThrowIfNull(state);
        foreach (var (offset, value) in state)
            Models.Poke(model, offset, value);
    }

    /// <summary>Makes the driver once it is known how the file treats groups.</summary>
    private sealed class Driver(IommuCore core, Func<string, UnitFacts> facts) : IDriver
    {
        private readonly TegraIommuDriver _facts = new(core);

        public string Name => _facts.Name;

        public IReadOnlyList<string> Compatible => _facts.Compatible;

        public IBoundDriver Probe(Device device)
        {
            var grouping = facts(device.Name).SplitsGroups ? TegraGrouping.BySwgroup : TegraGrouping.ByConvention;
            return new TegraIommuDriver(core, options: new() { Grouping = grouping }).Probe(device);
        }
    }
}
