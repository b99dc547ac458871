using Aperture.Conformance.Vectors;
using Aperture.Core;
using Aperture.Datasheets.Tegra;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Tegra;
using Aperture.Hardware.Translation;

namespace Aperture.Conformance.Models;

/// <summary>Tegra SMMUs.</summary>
public sealed class TegraModelFamily : ModelFamily
{
    private const uint ProbedSwgroup = 1; // "dc" on every SoC

    /// <inheritdoc/>
    public override string Driver => "tegra";

    /// <inheritdoc/>
    public override int FirstLevelBytes => TegraDescriptor.TableSize;

    /// <inheritdoc/>
    public override StreamId Stream => new(ProbedSwgroup);

    /// <summary>The SoC of a unit.</summary>
    public static TegraSoc Soc(UnitFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        return facts.Probe is { } probe ? Soc(probe) : TegraSoc.Tegra30;
    }

    /// <inheritdoc/>
    /// <remarks>The recorded hardware has no firmware before it.</remarks>
    public override TranslationUnit Create(SystemBus bus, UnitFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        var soc = Soc(facts);
        var smmu = new TegraSmmu(bus, new TegraSmmuOptions { Soc = soc, WindowSize = Math.Max(facts.Size, soc.IsWide ? 0x1000u : 0x400u) });
        foreach (var (offset, value) in facts.ResetValues)
            smmu.Poke(offset, value);
        return smmu;
    }

    /// <inheritdoc/>
    public override object Kind(UnitFacts facts) => Soc(facts);

    /// <inheritdoc/>
    public override void Poke(TranslationUnit unit, uint offset, uint value) => ((TegraSmmu)unit).Poke(offset, value);

    /// <inheritdoc/>
    /// <remarks>SMMU_PTB_DATA shows the selected address space.</remarks>
    public override ulong Identity(TranslationUnit unit, uint offset) =>
        offset == TegraMcRegister.TableData ? offset | ((ulong)Read(unit, TegraMcRegister.TableAsid) << 32) : offset;

    /// <inheritdoc/>
    public override void CheckFact(ReplayPart part, VectorEvent fact)
    {
        ArgumentNullException.ThrowIfNull(part);
        ArgumentNullException.ThrowIfNull(fact);
        var soc = Soc(fact);
        switch (fact.Kind)
        {
            case "swgroup":
                var swgroup = new TegraSwgroup(fact.Text("name"), (uint)fact.Count("id"), fact.Word("asidReg"));
                part.Check(soc.FindSwgroup(swgroup.Id) == swgroup, fact.Line, swgroup.ToString, () => $"{soc.FindSwgroup(swgroup.Id)}");
                break;
            case "client":
                var client = soc.FindClient((uint)fact.Count("id"));
                var (register, bit) = client is { CanTranslate: true } known ? (known.EnableRegister, known.EnableBit) : (0, 1);
                part.Check(
                    (client?.Name, (long?)client?.Swgroup) == (fact.Text("name"), fact.Number("swgroup"))
                        && (register, bit) == (fact.Word("enableReg"), 1u << fact.Count("enableBit")),
                    fact.Line,
                    () => $"client {fact.Text("name")} of swgroup {fact.Number("swgroup")}, enabled by "
                        + $"0x{fact.Word("enableReg"):x} bit {fact.Number("enableBit")}",
                    () => $"{client}");
                break;
            default:
                var group = soc.Groups.FirstOrDefault(group => group.Name == fact.Text("name"));
                part.Check(
                    group is not null && group.Swgroups.Select(id => (long)id).SequenceEqual(fact.Numbers("swgroups")),
                    fact.Line,
                    () => $"group {fact.Text("name")} of {string.Join(' ', fact.Numbers("swgroups"))}",
                    () => string.Join(' ', group?.Swgroups ?? []));
                break;
        }
    }

    /// <inheritdoc/>
    public override bool IsTableBase(TranslationUnit unit, uint offset, uint value, out ulong table)
    {
        table = new TegraDescriptor(value).Address(((TegraSmmu)unit).Options.Soc.FrameMask);
        return offset == TegraMcRegister.TableData;
    }

    /// <inheritdoc/>
    public override void Start(TranslationUnit unit, ulong table)
    {
        var soc = ((TegraSmmu)unit).Options.Soc;
        Write(unit, TegraMcRegister.TableAsid, 0);
        Write(unit, TegraMcRegister.TableData, TegraTableData.For(table));
        Write(unit, soc.FindSwgroup(ProbedSwgroup)!.Value.AsidRegister, TegraSwgroupAsid.For(0).Value);
        foreach (var client in soc.Clients.Where(client => client.Swgroup == ProbedSwgroup))
            Write(unit, client.EnableRegister, uint.MaxValue);
        Write(unit, TegraMcRegister.Config, TegraMcRegister.ConfigEnable);
    }

    /// <inheritdoc/>
    public override ulong FaultAddress(TranslationUnit unit, DmaAccess access) => Read(unit, TegraMcRegister.ErrorAddress);

    private static TegraSoc Soc(VectorEvent line) =>
        TegraSoc.Find($"nvidia,{line.Text("soc")}-mc") ?? throw line.Bad($"'soc' is '{line.Text("soc")}'");
}
