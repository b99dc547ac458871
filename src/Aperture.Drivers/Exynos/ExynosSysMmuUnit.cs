using Aperture.Core;
using Aperture.Core.PageTables.Formats;
using Aperture.Datasheets.Exynos;
using Aperture.Devices;
using Aperture.Drivers.Units;
using Aperture.Iommu;

namespace Aperture.Drivers.Exynos;

/// <summary>One SysMMU: one table for one master.</summary>
/// <remarks>Sequences after recorded driver behaviour; where this driver differs from the recorded one is in
/// docs/units/exynos-sysmmu.md.</remarks>
public sealed partial class ExynosSysMmuUnit : SingleContextUnit
{
    private readonly RegisterRegion _registers;
    private readonly SysMmuMap _map;
    private readonly SysMmuClocks _clocks;
    private readonly PhysicalAddress _zeroTable; // shared second-level table without entries
    private readonly ExynosDriverOptions _options;
    private SysMmuControl _running;              // MMU_CTRL between sequences: running, or stalled after a fault that nobody mended

    internal ExynosSysMmuUnit(
        Device device,
        IommuCore core,
        SysMmuIdentity identity,
        SysMmuClocks clocks,
        PhysicalAddress zeroTable,
        ExynosDriverOptions options)
        : base(device, core)
    {
        Identity = identity;
        _registers = device.Registers[0];
        _map = identity.Map;
        _clocks = clocks;
        _zeroTable = zeroTable;
        _options = options;
        Capabilities = new IommuCapabilities
        {
            PageSizes = default(ExynosFormat).PageSizes,
            ApertureEnd = new Iova(uint.MaxValue),
            OutputBits = IsWide ? 36 : 32,
            HonouredProtection = IsWide ? Protection.ReadWrite : Protection.Write,
            CanBypass = true,
            CanStall = true,
        };
    }

    /// <summary>Which SysMMU it is.</summary>
    public SysMmuIdentity Identity { get; }

    /// <inheritdoc/>
    public override IommuCapabilities Capabilities { get; }

    private bool IsWide => Identity.Version.AddressShift != 0;

    /// <inheritdoc/>
    protected override IommuDomain MakeDomain(in DomainRequest request) =>
        new PagingDomain<ExynosFormat>(request, new ExynosFormat(IsWide, _zeroTable), Core.Tables, Core.Trace);

    /// <inheritdoc/>
    public override bool Accepts(IommuDomain domain) =>
        domain is PagingDomain<ExynosFormat> paging && paging.Table.Format.IsWide == IsWide;

    /// <inheritdoc/>
    protected override void Start(IommuDomain domain, bool isResuming)
    {
        var root = ((PagingDomain<ExynosFormat>)domain).Table.Root;
        BeginAccess();
        try
        {
            using var registers = _registers.Begin();
            // A fault from before would be reported against a table that it did not meet.
            if (registers.Read32(_map.InterruptStatus) is not 0 and var old)
                registers.Write32(_map.InterruptClear, old);

            // Stalled while the table changes, never let through: an access sees the old table or the new one. One that may be at work has
            // to say that it is stalled, or it may not flush; in a resume no master makes accesses.
            if (IsActive && (_running.IsEnabled || NeedsReprogram))
                Block(registers);
            else
                registers.Write32(SysMmuRegister.Control, SysMmuControl.Blocked.Value);
            registers.Write32(SysMmuRegister.Config, Identity.Config.Value);
            registers.Write32(_map.TableBase, (uint)(root.Value >> _map.TableBaseShift));
            FlushAll(registers);
            if (Identity.HasVm)
            {
                const uint on = SysMmuVmControl.EnableBit | SysMmuVmControl.StallBit;
                registers.Update32(SysMmuVmRegister.Block + SysMmuVmRegister.Control, on, on);
            }

            _running = SysMmuControl.Running;
            registers.Write32(SysMmuRegister.Control, _running.Value);
        }
        finally
        {
            EndAccess();
        }
    }

    /// <inheritdoc/>
    protected override void Stop(bool isSuspending)
    {
        BeginAccess();
        try
        {
            using var registers = _registers.Begin();
            _running = SysMmuControl.Off;
            registers.Write32(SysMmuRegister.Control, _running.Value);
            registers.Write32(SysMmuRegister.Config, 0);
        }
        finally
        {
            EndAccess();
        }
    }

    /// <inheritdoc/>
    protected override void PowerDown()
    {
        _running = SysMmuControl.Off;
        _clocks.Off();
    }

    /// <inheritdoc/>
    /// <remarks>Enabled but without its own clocks it lets nothing through. It keeps its state, and what it knows, until they run
    /// again.</remarks>
    protected override bool TryCutOff() => _clocks.TrySwitchOff();

    /// <summary>The unit's own clocks run from here until it is stopped, the master's until <see cref="EndAccess"/>.</summary>
    private void BeginAccess()
    {
        _clocks.BeginAccess();
        _clocks.On();
    }

    private void EndAccess()
    {
        _clocks.EndAccess();
        if (!_running.IsEnabled)
            _clocks.Off();
    }
}
