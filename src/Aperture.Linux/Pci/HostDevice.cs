using System.Globalization;
using Aperture.Core;
using Aperture.Devices;
using Aperture.Iommu;
using Aperture.Linux.AddressSpaces;
using Aperture.Linux.Vfio;
using Aperture.Linux.Vfio.Abi;
using Aperture.Power;

namespace Aperture.Linux.Pci;

/// <summary>An open PCI function of the host. <see cref="Device"/> is what drivers see: its BARs, its interrupts, its DMA; the rest is
/// PCI's own.</summary>
/// <remarks>The function may do DMA while its driver holds it active: bus mastering is a power domain of the device.</remarks>
public sealed class HostDevice : IGateProvider
{
    private readonly VfioDevice _file;
    private readonly List<MappedRegisters> _regions = [];
    private readonly Gate _busMaster;
    private readonly PciInterrupts? _interrupts; // null until they were switched on
    private readonly RegisterGate _answers = new();
    private readonly InterruptPump _pump;
    private DeviceNotices? _notices;             // null until somebody listens

    internal HostDevice(string address, HostSpace space, HostUnit unit, HostDeviceOptions options, InterruptPump pump)
    {
        Address = address;
        Options = options;
        Unit = unit;
        _pump = pump;
        _file = space.OpenDevice(address);
        try
        {
            if (Open(VfioRegion.Configuration) is not { } configuration)
                throw new ApertureException(Status.NoDevice, $"{address} has no configuration space");
            Configuration = new PciConfiguration(new ConfigurationRegisters(configuration, _answers));
            Configuration.EnableMemory();
            Configuration.IsBusMaster = false;
            _busMaster = new Gate(GateKind.PowerDomain, $"{address} bus mastering");
            _busMaster.Changed += on => Configuration.IsBusMaster = on;
            Device = new Device(address)
            {
                Description = new DeviceDescription
                {
                    Compatible = [CompatibleOf(Configuration.Vendor, Configuration.DeviceId)],
                    Identity = new MasterIdentity { Units = [new IommuSpecifier(unit.Device.Key, unit.Name, [])] },
                    Gates = [new GateSpecifier(GateKind.PowerDomain, null, this, address, [])],
                    IsCoherent = true,
                    IsUntrusted = !options.SharesPages,
                },
            };
            Device.BusMastering = Configuration.Mastering;
            for (var bar = VfioRegion.Bar0; bar <= VfioRegion.Bar5; bar++)
            {
                if (Open(bar) is { } region)
                    Device.Registers.Add(region);
            }

            _interrupts = PciInterrupts.Enable(
                _file, options.Interrupts, options.MaxInterrupts, pump, e => Listeners.Tell(HandlerFailed, e));
            _interrupts.Lines.ForEach(Device.Interrupts.Add);
        }
        catch
        {
            Close(GateReason.Disposed);
            throw;
        }
    }

    /// <summary>The PCI address, for example <c>0000:00:04.0</c>.</summary>
    public string Address { get; }

    /// <summary>What drivers see.</summary>
    public Device Device { get; }

    /// <summary>Configuration space.</summary>
    public PciConfiguration Configuration { get; }

    /// <summary>The kind of interrupts that the device got.</summary>
    public InterruptKind Interrupts => _interrupts?.Kind ?? InterruptKind.None;

    /// <summary>How the device was opened.</summary>
    public HostDeviceOptions Options { get; }

    /// <summary>Whether <see cref="Reset"/> works.</summary>
    public bool CanReset => _file.CanReset;

    /// <summary>Called on the thread that waits for interrupts, with what a handler threw.</summary>
    public event Action<Exception>? HandlerFailed;

    /// <summary>The kernel wants the device back: somebody unplugs it or takes it from vfio-pci. It waits, and asks again every few
    /// seconds, until the device is closed; that happens when this returns, unless a handler says that it will do it
    /// (<see cref="DeviceNotice.IsHandled"/>). Called on the thread that waits for interrupts. Accesses to a closed device throw and say
    /// why.</summary>
    public event Action<DeviceNotice>? RemovalRequested;

    /// <summary>The bus reported an error of the device's that it cannot recover from. The device is closed when this returns, unless a
    /// handler says that it takes care of it (<see cref="DeviceNotice.IsHandled"/>), for example by a reset. Called on the thread that
    /// waits for interrupts.</summary>
    public event Action<DeviceNotice>? ErrorReported;

    /// <summary>The unit of its group.</summary>
    internal HostUnit Unit { get; }

    /// <summary>The <c>compatible</c> string of a PCI function, as the Open Firmware PCI binding forms it.</summary>
    public static string CompatibleOf(ushort vendor, ushort device) =>
        string.Create(CultureInfo.InvariantCulture, $"pci{vendor:x},{device:x}");

    /// <summary>Resets the function: it is quiet afterwards, and its registers are as after power-on. Its driver must not be busy with
    /// it.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NotSupported"/>: the function has no reset of its own;
    /// <see cref="Status.Busy"/>: try again later.</exception>
    public void Reset()
    {
        _file.Reset();
        Configuration.EnableMemory();
        Configuration.IsBusMaster = _busMaster.IsOn;
    }

    /// <inheritdoc/>
    Status IGateProvider.Resolve(GateKind kind, ReadOnlySpan<uint> cells, out Gate? gate)
    {
        gate = kind == GateKind.PowerDomain ? _busMaster : null;
        return gate is null ? Status.NotFound : Status.Ok;
    }

    /// <summary>Listens to what the kernel says about the device.</summary>
    /// <param name="hear">Called on the thread that waits for interrupts.</param>
    internal void Listen(Action<HostDevice, DeviceNoticeKind> hear) =>
        _notices = DeviceNotices.Listen(_file, _pump, kind => hear(this, kind), e => Listeners.Tell(HandlerFailed, e));

    /// <summary>Tells of a notice.</summary>
    internal void Raise(DeviceNotice notice) =>
        Listeners.Tell(notice.Kind == DeviceNoticeKind.Error ? ErrorReported : RemovalRequested, notice);

    /// <summary>Gives the function back to the kernel, quiet. Accesses to its registers end first, and are refused from then on.</summary>
    /// <param name="reason">Why, for those who still access it.</param>
    internal void Close(GateReason reason)
    {
        try
        {
            _notices?.Dispose();
            _interrupts?.Dispose();
        }
        finally
        {
            _answers.Close(reason);
            _regions.ForEach(region => region.Dispose());
            _file.Dispose();
        }
    }

    private MappedRegisters? Open(VfioRegion index)
    {
        var region = MappedRegisters.Open(_file, index, _answers);
        if (region is not null)
            _regions.Add(region);
        return region;
    }
}
