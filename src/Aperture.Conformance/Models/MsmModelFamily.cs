using Aperture.Conformance.Vectors;
using Aperture.Core;
using Aperture.Datasheets.Msm;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Msm;
using Aperture.Hardware.Translation;

namespace Aperture.Conformance.Models;

/// <summary>MSM IOMMUs.</summary>
public sealed class MsmModelFamily : ModelFamily
{
    private const int DefaultBanks = 2;

    /// <inheritdoc/>
    public override string Driver => "msm";

    /// <summary>The options of the unit that a file describes. A probe that finds no device tells that the unit answers no translation
    /// operation; what the vectors expect of an access is what privileged ones are allowed.</summary>
    public static MsmIommuOptions Options(UnitFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        return new MsmIommuOptions
        {
            Banks = facts.Probe?.Count("contextBanks") ?? DefaultBanks,
            ResetValues = facts.ResetValues,
            HasOperations = facts.Probe is not { } probe || probe.Number("ret") != (long)Status.NoDevice,
            MastersArePrivileged = true,
        };
    }

    /// <inheritdoc/>
    public override TranslationUnit Create(SystemBus bus, UnitFacts facts) => new MsmIommu(bus, Options(facts));

    /// <inheritdoc/>
    public override object Kind(UnitFacts facts) => "msm";

    /// <inheritdoc/>
    public override void Poke(TranslationUnit unit, uint offset, uint value) => ((MsmIommu)unit).Poke(offset, value);

    /// <inheritdoc/>
    /// <remarks>Banks that are taken beforehand change nothing of the unit: software leaves them alone.</remarks>
    public override void Configure(TranslationUnit unit, VectorEvent model)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (!model.Has("contextBanksReserved"))
            base.Configure(unit, model);
    }

    /// <inheritdoc/>
    public override bool IsTableBase(TranslationUnit unit, uint offset, uint value, out ulong table)
    {
        table = new MsmTableBase(value).Table;
        return offset < MsmGlobalRegisters.Page && offset % MsmContextRegisters.Stride == MsmContextRegisters.TableBase0;
    }

    /// <inheritdoc/>
    /// <remarks>After a reset every machine ID leads to bank 0.</remarks>
    public override void Start(TranslationUnit unit, ulong table)
    {
        Write(unit, MsmContextRegisters.TableBase0, MsmTableBase.NonCached((uint)table).Bits);
        Write(unit, MsmContextRegisters.AuxiliaryControl, MsmAuxiliaryControl.Running);
        Write(unit, MsmContextRegisters.SystemControl, MsmSystemControl.Running);
    }

    /// <inheritdoc/>
    public override ulong FaultAddress(TranslationUnit unit, DmaAccess access) => Read(unit, MsmContextRegisters.FaultAddress);
}
