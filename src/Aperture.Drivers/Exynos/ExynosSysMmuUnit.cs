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
    private bool _isClocked;                     // the unit's own clocks are held: it translates
    private SysMmuControl _running;              // MMU_CTRL between sequences: running, or held back after a fault that nobody mended

    internal ExynosSysMmuUnit(Device device, IommuCore core, SysMmuIdentity identity, SysMmuClocks clocks, PhysicalAddress zeroTable)
        : base(device, core)
    {
        Identity = identity;
        _registers = device.Registers[0];
        _map = identity.Map;
        _clocks = clocks;
        _zeroTable = zeroTable;
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
    public override IommuDomain CreateDomain(DomainType type) =>
        new PagingDomain<ExynosFormat>(type, new ExynosFormat(IsWide, _zeroTable), Core.Tables, Core.Trace);

    /// <inheritdoc/>
    protected override bool Accepts(IommuDomain domain) =>
        domain is PagingDomain<ExynosFormat> paging && paging.Table.Format.IsWide == IsWide;

    /// <inheritdoc/>
    protected override void Start(IommuDomain domain, bool isResuming)
    {
        var root = ((PagingDomain<ExynosFormat>)domain).Table.Root;
        BeginAccess();
        try
        {
            // A fault from before would be reported against a table that it did not meet.
            if (_registers.Read32(_map.InterruptStatus) is not 0 and var old)
                _registers.Write32(_map.InterruptClear, old);

            // Held back while the table changes, never let through: an access sees the old table or the new one.
            if (_running.IsEnabled)
                TryBlock();
            else
                _registers.Write32(SysMmuRegister.Control, SysMmuControl.Blocked.Value);
            _registers.Write32(SysMmuRegister.Config, Identity.Config.Value);
            _registers.Write32(_map.TableBase, (uint)(root.Value >> _map.TableBaseShift));
            FlushAll();
            if (Identity.HasVm)
            {
                const uint on = SysMmuVmControl.EnableBit | SysMmuVmControl.StallBit;
                _registers.Update32(SysMmuVmRegister.Block + SysMmuVmRegister.Control, on, on);
            }

            _running = SysMmuControl.Running;
            _registers.Write32(SysMmuRegister.Control, _running.Value);
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
            _running = SysMmuControl.Off;
            _registers.Write32(SysMmuRegister.Control, _running.Value);
            _registers.Write32(SysMmuRegister.Config, 0);
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
        if (!_isClocked)
            return;
        _isClocked = false;
        _clocks.EnableAccess();
        _clocks.Disable();
    }

    /// <summary>The unit's own clocks run from here until it is stopped, the master's until <see cref="EndAccess"/>.</summary>
    private void BeginAccess()
    {
        if (_isClocked)
        {
            _clocks.EnableAccess();
            return;
        }

        _clocks.Enable();
        _isClocked = true;
    }

    private void EndAccess()
    {
        if (_running.IsEnabled)
        {
            _clocks.DisableAccess();
            return;
        }

        _clocks.Disable();
        _isClocked = false;
    }
}
