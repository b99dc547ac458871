using Aperture.Core;
using Aperture.Datasheets.Exynos;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Drivers.Exynos;

/// <summary>Driver of Samsung's System MMUs, versions 1 to 7. A device needs its register region, one interrupt, and the clocks
/// <c>sysmmu</c> (with or without <c>master</c>) or <c>aclk</c> and <c>pclk</c>. Its power domain must be on during the probe.</summary>
public sealed class ExynosIommuDriver : IIommuDriver, IDisposable
{
    private readonly IommuCore _core;
    private readonly ExynosDriverOptions _options;
    private readonly Lock _lock = new();
    private PhysicalAddress? _zeroTable;     // second-level table without entries, below 4 GiB; shared by all domains
    private PhysicalAddress? _wideZeroTable; // the same, below 64 GiB, for version 5 on

    /// <summary>A driver whose units belong to <paramref name="core"/>.</summary>
    /// <param name="core">The core.</param>
    /// <param name="options">What it can do in more than one way; null for the defaults.</param>
    public ExynosIommuDriver(IommuCore core, ExynosDriverOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(core);
        _core = core;
        _options = options ?? new ExynosDriverOptions();
    }

    /// <inheritdoc/>
    public string Name => "exynos-sysmmu";

    /// <inheritdoc/>
    public IReadOnlyList<string> Compatible { get; } = ["samsung,exynos-sysmmu"];

    private static int ZeroTableBytes => SysMmuSecondLevel.Count * sizeof(uint);

    /// <summary>A unit cannot tell its masters apart.</summary>
    public MasterGrouping GroupingOf(Device unit) => MasterGrouping.ByUnit;

    /// <inheritdoc/>
    public IBoundDriver Probe(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.Registers.Count == 0)
            throw new ApertureException(Status.InvalidArgument, $"{device.Name} has no registers");
        if (device.Interrupts.Count == 0)
            throw new ApertureException(Status.NoDevice, $"{device.Name} has no interrupt");

        var clocks = new SysMmuClocks(device);
        SysMmuIdentity identity;
        try
        {
            clocks.BeginAccess();
            clocks.On();
            identity = SysMmuIdentity.Read(device.Registers[0]);
        }
        finally
        {
            clocks.Off();
        }

        var unit = new ExynosSysMmuUnit(device, _core, identity, clocks, ZeroTable(identity.Version), _options);
        device.Manage(device.Interrupts[0].Request(unit.OnInterrupt));
        device.Manage(_core.Register(unit));
        unit.RuntimeResume(); // the core holds the device active while it is probed
        return unit;
    }

    /// <summary>Gives the shared tables back. All domains of this driver's units must be gone.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            Free(ref _zeroTable);
            Free(ref _wideZeroTable);
        }
    }

    private PhysicalAddress ZeroTable(SysMmuVersion version)
    {
        lock (_lock)
        {
            var isWide = version.AddressShift != 0;
            ref var table = ref isWide ? ref _wideZeroTable : ref _zeroTable;
            if (table is null)
            {
                if (!_core.Tables.TryAllocate(ZeroTableBytes, ZeroTableBytes, isWide ? 36 : 32, out var fresh))
                    throw new ApertureException(Status.NoMemory, $"no memory for the table that all address spaces of {Name} share");
                table = fresh;
            }

            return table.Value;
        }
    }

    private void Free(ref PhysicalAddress? table)
    {
        if (table is { } address)
            _core.Tables.Free(address, ZeroTableBytes);
        table = null;
    }
}
