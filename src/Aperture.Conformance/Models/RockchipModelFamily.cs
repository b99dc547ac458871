using Aperture.Conformance.Vectors;
using Aperture.Datasheets.Rockchip;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Rockchip;
using Aperture.Hardware.Translation;

namespace Aperture.Conformance.Models;

/// <summary>Rockchip IOMMUs: the probe tells which version. Each MMU is a block of its own.</summary>
public sealed class RockchipModelFamily : ModelFamily
{
    /// <inheritdoc/>
    public override string Driver => "rockchip";

    /// <inheritdoc/>
    public override int FirstLevelBytes => (int)RockchipMmuEntry.Count * sizeof(uint);

    /// <summary>Whether a block is of version 2.</summary>
    public static bool IsWide(UnitFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        return facts.Probe is { } probe && probe.Text("compatible") != "rockchip,iommu";
    }

    /// <inheritdoc/>
    public override TranslationUnit Create(SystemBus bus, UnitFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        return new RockchipIommu(bus, new RockchipIommuOptions
        {
            IsWide = IsWide(facts),
            WindowSize = facts.Size,
            ResetStatus = facts.Reset(RockchipMmuRegister.Status),
        });
    }

    /// <inheritdoc/>
    public override object Kind(UnitFacts facts) => IsWide(facts);

    /// <inheritdoc/>
    public override void Poke(TranslationUnit unit, uint offset, uint value) => Mmu(unit).Poke(offset, value);

    /// <inheritdoc/>
    public override void Configure(TranslationUnit unit, VectorEvent model)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (model.Has("dteReadback"))
            Mmu(unit).LosesTableBase = model.Text("dteReadback") == "broken";
        if (model.Has("stall"))
            Mmu(unit).StallDelayPolls = model.Text("stall") == "never" ? -1 : 0;
    }

    /// <inheritdoc/>
    public override bool IsTableBase(TranslationUnit unit, uint offset, uint value, out ulong table)
    {
        var entry = new RockchipMmuEntry(value);
        table = entry.Address(((RockchipIommu)unit).Options.IsWide);
        return offset == RockchipMmuRegister.TableBase && entry.IsValid;
    }

    /// <inheritdoc/>
    public override void Start(TranslationUnit unit, ulong table)
    {
        Write(unit, RockchipMmuRegister.TableBase, Entry(unit, table));
        Write(unit, RockchipMmuRegister.Command, (ulong)RockchipMmuCommand.EnablePaging);
    }

    /// <inheritdoc/>
    public override ulong FaultAddress(TranslationUnit unit, DmaAccess access) => Read(unit, RockchipMmuRegister.FaultAddress);

    private static RockchipMmu Mmu(TranslationUnit unit) => ((RockchipIommu)unit).Mmus[0];

    private static uint Entry(TranslationUnit unit, ulong table) => ((RockchipIommu)unit).Options.IsWide
        ? (uint)((table & 0xFFFF_F000) | (table >> 24 & 0xF00) | (table >> 32 & 0xF0) | 1)
        : (uint)table | 1;
}
