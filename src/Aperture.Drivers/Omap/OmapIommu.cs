using Aperture.Core;
using Aperture.Core.PageTables.Formats;
using Aperture.Datasheets.Omap;
using Aperture.Devices;
using Aperture.Drivers.Units;
using Aperture.Iommu;

namespace Aperture.Drivers.Omap;

/// <summary>One OMAP MMU: one table for one master, a TLB of 8 or 32 entries that software can load and lock.</summary>
/// <remarks>Sequences after OMAP36xx TRM ch. 15 and recorded driver behaviour; where this driver differs from the recorded one is
/// in docs/units/omap-mmu.md.</remarks>
public sealed partial class OmapIommu : SingleContextUnit
{
    private const OmapFault FaultsWithWalker = OmapFault.All & ~OmapFault.TlbMiss; // a miss is a walk, not a fault

    private readonly RegisterRegion _mmu;
    private readonly RegisterRegion? _system; // the DSP_SYSTEM block, or null
    private readonly OmapMmuDescription _description;
    private readonly GateList _clocks;
    private readonly GateList _resets;

    internal OmapIommu(Device device, IommuCore core, OmapMmuDescription description)
        : base(device, core)
    {
        _description = description;
        _clocks = new GateList([.. device.Clocks.Values]);
        _resets = new GateList([.. device.Resets.Values]);
        _mmu = device.Registers[0];
        _system = description.SystemInstance is null ? null : device.Registers[^1];
        _savedCam = new OmapCam[description.TlbEntries];
        _savedRam = new OmapRam[description.TlbEntries];
        Capabilities = new IommuCapabilities
        {
            PageSizes = default(OmapFormat).PageSizes,
            ApertureEnd = new Iova(uint.MaxValue),
            OutputBits = 32,
            CanBypass = description.HasBypass,
            CanBlock = !description.HasBypass,
            CanStall = !description.BusErrorBack,
        };
    }

    /// <inheritdoc/>
    public override IommuCapabilities Capabilities { get; }

    /// <summary>Number of TLB entries.</summary>
    public int TlbEntries => _description.TlbEntries;

    /// <inheritdoc/>
    protected override IommuDomain MakeDomain(in DomainRequest request) =>
        new PagingDomain<OmapFormat>(request, default, Core.Tables, Core.Trace);

    /// <inheritdoc/>
    public override bool Accepts(IommuDomain domain) => domain is PagingDomain<OmapFormat>;

    /// <inheritdoc/>
    protected override void Start(IommuDomain domain, bool isResuming)
    {
        // The table first: whatever the walker fills from here on is of the new domain, so that one flush ends the old one.
        _mmu.Write32(OmapRegisters.TableBase, (uint)((PagingDomain<OmapFormat>)domain).Table.Root.Value);
        EnableBySystem(true);
        if (_description.BusErrorBack)
            _mmu.Write32(OmapRegisters.GpReg, 1);

        if (isResuming)
            RestoreLocked();
        else
            DropAll();

        // A fault from before would be reported against a table that it did not meet. This releases the access it holds.
        _mmu.Write32(OmapRegisters.IrqStatus, (uint)OmapFault.All);
        _mmu.Write32(OmapRegisters.IrqEnable, (uint)FaultsWithWalker);
        _mmu.Update32(OmapRegisters.Control, OmapControl.Mask, OmapControl.MmuEnable | OmapControl.TwlEnable);
    }

    /// <inheritdoc/>
    protected override void Stop(bool isSuspending)
    {
        if (isSuspending)
            SaveLocked();
        else
            DropAll();
        _mmu.Update32(OmapRegisters.Control, OmapControl.Mask, 0);
        EnableBySystem(false);
    }

    /// <inheritdoc/>
    protected override void PowerUp()
    {
        _clocks.On();
        _resets.On();
    }

    /// <inheritdoc/>
    protected override void PowerDown()
    {
        _resets.Off();
        _clocks.Off();
    }

    /// <inheritdoc/>
    /// <remarks>By its clocks alone: an MMU that comes out of its reset lets every access of its master pass untranslated.</remarks>
    protected override bool TryCutOff() => _clocks.TrySwitchOff();

    /// <inheritdoc/>
    protected override void Reconnect() => _clocks.On();

    private void EnableBySystem(bool on)
    {
        if (_system is null)
            return;
        var bit = DspSystemRegisters.EnableBit(_description.SystemInstance!.Value);
        _system.Update32(DspSystemRegisters.MmuConfig, bit, on ? bit : 0);
    }
}
