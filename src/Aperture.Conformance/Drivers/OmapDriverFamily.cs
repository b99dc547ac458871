using Aperture.Conformance.Models;
using Aperture.Conformance.Vectors;
using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;
using Aperture.Datasheets.Omap;
using Aperture.Devices;
using Aperture.Drivers.Omap;
using Aperture.Hardware.Omap;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Conformance.Drivers;

/// <summary>OMAP MMUs.</summary>
public class OmapDriverFamily : DriverFamily
{
    /// <inheritdoc/>
    public override ModelFamily Models { get; } = new OmapModelFamily();

    /// <inheritdoc/>
    public override bool AttachHoldsPower => true;

    /// <inheritdoc/>
    public override bool TablesLiveWhileAttached => true;

    /// <inheritdoc/>
    public override bool RemovesWholePages => true;

    /// <inheritdoc/>
    public override bool OverwritesMappings => true;

    /// <inheritdoc/>
    public override int LargestPageShift => 24;

    /// <inheritdoc/>
    public override IDriver CreateDriver(IommuCore core, Func<string, UnitFacts> facts) => new Driver(new OmapIommuDriver(core), facts);

    /// <inheritdoc/>
    /// <remarks>A DRA7 DSP's MMU has an enable bit in the system-control block that the recording shows it to use.</remarks>
    public override void Connect(ReplayedSite site)
    {
        ArgumentNullException.ThrowIfNull(site);
        if (site.Facts.Probe is not { } probe || !probe.Has("syscfgId") || probe.Number("syscfgId") is not (>= 0 and var instance))
            return;
        var events = site.File.Events;
        var name = site.Facts.Name;
        var power = Enumerable.Range(0, events.Count).FirstOrDefault(i => events[i].Kind == "pm" && events[i].Text("dev") == name, -1);
        var map = power < 0 ? null : events.Skip(power).FirstOrDefault(line => line.Kind == "regmap")?.Text("map");
        var system = site.AddBlock(map ?? "syscon", () => new DspSystem());
        if (instance < DspSystemRegisters.Mmus)
            system.Connect((int)instance, (OmapMmu)site.Model);
    }

    /// <inheritdoc/>
    public override IPageTableFormat Format(IommuDomain domain, ulong? zeroTable) => default(OmapFormat);

    /// <inheritdoc/>
    public override ulong Root(IommuDomain domain) => ((PagingDomain<OmapFormat>)domain).Table.Root.Value;

    /// <inheritdoc/>
    public override IEnumerable<ControlRegister> Controls(TranslationUnit model) =>
    [
        new("CNTL", OmapRegisters.Control, OmapControl.Mask),
        new("IRQENABLE", OmapRegisters.IrqEnable, (uint)OmapFault.All),
        new("TTB", OmapRegisters.TableBase, 0xFFFF_FF80, OnlyWhileTranslating: true, IsTableBase: true),
        new("LOCK.BASEVALUE", OmapRegisters.Lock, 0x7C00, OnlyWhileTranslating: true),
        new("GP_REG", OmapRegisters.GpReg, 1),
    ];

    /// <inheritdoc/>
    public override bool IsTranslating(Func<uint, uint> read)
    {
        ArgumentNullException.ThrowIfNull(read);
        return new OmapControl(read(OmapRegisters.Control)).IsEnabled;
    }

    /// <inheritdoc/>
    public override IEnumerable<uint> FaultState(TranslationUnit model) =>
        [OmapRegisters.IrqStatus, OmapRegisters.FaultAddress, OmapRegisters.FaultStatus, OmapRegisters.Lock];

    /// <inheritdoc/>
    public override void UndoFault(TranslationUnit model, IReadOnlyDictionary<uint, uint> state)
    {
        ArgumentNullException.ThrowIfNull(state);
        Models.Poke(model, OmapRegisters.IrqStatus, 0);
        foreach (var (offset, value) in state)
            Models.Poke(model, offset, value);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<TlbEntry> Entries(TranslationUnit model)
    {
        var mmu = (OmapMmu)model;
        var entries = new List<TlbEntry>();
        mmu.TryRead(OmapRegisters.Lock, sizeof(uint), out var locked);
        for (var i = 0; i < mmu.CacheEntries; i++)
        {
            mmu.Poke(OmapRegisters.Lock, new OmapLock(0, i).Bits);
            mmu.TryRead(OmapRegisters.ReadCam, sizeof(uint), out var word);
            mmu.TryRead(OmapRegisters.ReadRam, sizeof(uint), out var ram);
            var cam = new OmapCam((uint)word);
            if (cam.IsValid)
                entries.Add(
                    new TlbEntry(cam.Tag & OmapCam.MaskOf(cam.Size), cam.Shift, new OmapRam((uint)ram).Address & OmapCam.MaskOf(cam.Size)));
        }

        mmu.Poke(OmapRegisters.Lock, (uint)locked);
        return entries;
    }

    /// <inheritdoc/>
    public override Status FlushPage(IommuUnit unit, ulong iova) => ((OmapIommu)unit).FlushPage(new Iova(iova));

    /// <inheritdoc/>
    public override Status FlushAll(IommuUnit unit) => ((OmapIommu)unit).FlushAll();

    /// <inheritdoc/>
    public override Status Prefetch(IommuUnit unit, Iova iova, bool isLocked) => ((OmapIommu)unit).Prefetch(iova, isLocked);

    /// <inheritdoc/>
    public override uint[] SaveContext(IommuUnit unit)
    {
        var words = new uint[64];
        return words[..((OmapIommu)unit).SaveContext(words)];
    }

    /// <inheritdoc/>
    public override void RestoreContext(IommuUnit unit, uint[] words) => ((OmapIommu)unit).RestoreContext(words);

    /// <inheritdoc/>
    /// <remarks>An entry with explicit attributes names them instead of rights.</remarks>
    public override Protection ProtectionOf(VectorEvent call)
    {
        ArgumentNullException.ThrowIfNull(call);
        if (call.Call != "store_entry")
            return base.ProtectionOf(call);
        var protection = Protection.ReadWrite
            | (call.Flag("bigEndian") ? OmapFormat.BigEndian : 0)
            | (call.Word("mixedField") != 0 ? OmapFormat.Mixed : 0);
        return protection | call.Number("elementSizeCode") switch
        {
            0 => OmapFormat.Element8,
            1 => OmapFormat.Element16,
            2 => OmapFormat.Element32,
            3 => OmapFormat.ElementNone,
            _ => throw call.Bad($"'elementSizeCode' is {call.Number("elementSizeCode")}"),
        };
    }

    /// <summary>The driver, told what a device tree would tell it.</summary>
    private sealed class Driver(OmapIommuDriver driver, Func<string, UnitFacts> facts) : IDriver
    {
        public string Name => driver.Name;

        public IReadOnlyList<string> Compatible => driver.Compatible;

        public IBoundDriver Probe(Device device)
        {
            var probe = facts(device.Name).Probe!;
            var isDsp = probe.Text("compatible") == "ti,dra7-dsp-iommu";
            return driver.Probe(device, new OmapMmuDescription
            {
                TlbEntries = probe.Count("tlbEntries"),
                BusErrorBack = probe.Flag("busErrBack"),
                NeedsSystem = isDsp,
                SystemInstance = isDsp && probe.Number("syscfgId") is var id and >= 0 and <= int.MaxValue ? (int)id : null,
            });
        }
    }
}
