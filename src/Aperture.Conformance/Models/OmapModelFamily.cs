using Aperture.Conformance.Vectors;
using Aperture.Datasheets.Omap;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Omap;
using Aperture.Hardware.Translation;

namespace Aperture.Conformance.Models;

/// <summary>OMAP MMUs.</summary>
public sealed class OmapModelFamily : ModelFamily
{
    /// <inheritdoc/>
    public override string Driver => "omap";

    /// <summary>The options of the MMU that a file describes. Recordings come from stubs that keep what is written where there is no
    /// register.</summary>
    public static OmapMmuOptions Options(UnitFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        var probe = facts.Probe;
        var isBusErrorBack = probe?.Flag("busErrBack") ?? false;
        var preset = (probe?.Text("compatible") ?? "") switch
        {
            "ti,omap2-iommu" => OmapMmuOptions.Omap3,
            "ti,dra7-dsp-iommu" => OmapMmuOptions.Dra7Dsp,
            "ti,dra7-iommu" => isBusErrorBack ? OmapMmuOptions.Dra7Ipu : OmapMmuOptions.Dra7Dsp,
            _ => isBusErrorBack ? OmapMmuOptions.Omap4Ipu : OmapMmuOptions.Omap4Dsp,
        };
        return preset with
        {
            TlbEntries = probe?.Number("tlbEntries") is { } entries and >= 1 and <= 32 ? (int)entries : preset.TlbEntries,
            WindowSize = Math.Max(facts.Size, OmapRegisters.EmuFaultAddress),
            Revision = facts.Reset(OmapRegisters.Revision),
            GpRegister = isBusErrorBack ? OmapGpRegister.BusErrorBack : preset.GpRegister,
            UnknownRegisters = OmapUnknownRegisters.Storage,
        };
    }

    /// <inheritdoc/>
    public override TranslationUnit Create(SystemBus bus, UnitFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        var mmu = new OmapMmu(bus, Options(facts));
        foreach (var (offset, value) in facts.ResetValues)
            mmu.Poke(offset, value);
        return mmu;
    }

    /// <inheritdoc/>
    public override object Kind(UnitFacts facts) => Options(facts);

    /// <inheritdoc/>
    public override void Poke(TranslationUnit unit, uint offset, uint value) => ((OmapMmu)unit).Poke(offset, value);

    /// <inheritdoc/>
    public override void SetEntry(TranslationUnit unit, VectorEvent tlb)
    {
        ArgumentNullException.ThrowIfNull(unit);
        ArgumentNullException.ThrowIfNull(tlb);
        if (tlb.Count("index") >= unit.CacheEntries)
            throw tlb.Bad($"the TLB has {unit.CacheEntries} entries");
        ((OmapMmu)unit).SetEntry(tlb.Count("index"), tlb.Word("cam"), tlb.Word("ram"));
    }

    /// <inheritdoc/>
    public override ulong Identity(TranslationUnit unit, uint offset) =>
        offset is OmapRegisters.ReadCam or OmapRegisters.ReadRam ? offset | ((ulong)SelectedEntry(unit) << 32) : offset;

    /// <inheritdoc/>
    /// <remarks>READ_CAM and READ_RAM show the selected entry: it is the entry that takes the value.</remarks>
    public override void Adopt(TranslationUnit unit, uint offset, uint value)
    {
        if (offset is not (OmapRegisters.ReadCam or OmapRegisters.ReadRam))
        {
            Poke(unit, offset, value);
            return;
        }

        var cam = offset == OmapRegisters.ReadCam ? value : Read(unit, OmapRegisters.ReadCam);
        var ram = offset == OmapRegisters.ReadRam ? value : Read(unit, OmapRegisters.ReadRam);
        ((OmapMmu)unit).SetEntry(SelectedEntry(unit), cam, ram);
    }

    /// <inheritdoc/>
    public override bool IsTableBase(TranslationUnit unit, uint offset, uint value, out ulong table)
    {
        table = value & 0xFFFF_FF80;
        return offset == OmapRegisters.TableBase;
    }

    /// <inheritdoc/>
    public override void Start(TranslationUnit unit, ulong table)
    {
        ((OmapMmu)unit).IsSystemEnabled = true;
        Write(unit, OmapRegisters.TableBase, table);
        Write(unit, OmapRegisters.Control, OmapControl.MmuEnable | OmapControl.TwlEnable);
    }

    /// <inheritdoc/>
    public override ulong FaultAddress(TranslationUnit unit, DmaAccess access) => Read(unit, OmapRegisters.FaultAddress);

    private static int SelectedEntry(TranslationUnit unit) => new OmapLock(Read(unit, OmapRegisters.Lock)).Victim % unit.CacheEntries;
}
