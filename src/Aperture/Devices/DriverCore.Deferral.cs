using Aperture.Core;
using Aperture.DeviceTrees;

namespace Aperture.Devices;

// Who still waits, and for what in the end.
public sealed partial class DriverCore
{
    /// <summary>The devices whose probe waits, in order of arrival, each with what never came.</summary>
    public IReadOnlyList<DeferredDevice> Deferred
    {
        get
        {
            lock (_lock)
                return [.. _entries.Where(entry => entry.State == BindState.Waiting).Select(Explain)];
        }
    }

    /// <summary>The devices that no driver serves, in order of arrival.</summary>
    public IReadOnlyList<Device> Unmatched
    {
        get
        {
            lock (_lock)
                return [.. _entries.Where(entry => entry.State == BindState.NoDriver).Select(entry => entry.Device)];
        }
    }

    /// <summary>Why a device has no driver: what ended its last probe, or what it waits for, in one line. Null while it is bound.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NoDevice"/>: it is not in the machine.</exception>
    public string? WhyUnbound(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        lock (_lock)
        {
            var entry = Find(device);
            return entry.State switch
            {
                BindState.Bound => null,
                BindState.Waiting => Explain(entry).Reason,
                BindState.Failed => entry.Why,
                _ => $"{device.Name}: {WhyNot(entry)}",
            };
        }
    }

    private DeferredDevice Explain(Entry entry)
    {
        var way = entry.Device.Name;
        var seen = new HashSet<Entry> { entry };
        for (var at = entry; ;)
        {
            if (at.WaitsFor is null)
                return new DeferredDevice(entry.Device, at.SupplierName, at == entry ? at.SupplierName
                    : $"{way}, which is deferred: {at.SupplierName}");
            way += at == entry ? $" waits for {at.SupplierName}" : $", which waits for {at.SupplierName}";
            if (!_byKey.TryGetValue(at.WaitsFor, out var supplier))
                return new DeferredDevice(entry.Device, at.SupplierName, $"{way}, which {WhyAbsent(at.WaitsFor)}");
            if (supplier.State != BindState.Waiting)
                return new DeferredDevice(entry.Device, supplier.Device.Name, $"{way}, which {WhyNot(supplier)}");
            if (!seen.Add(supplier))
                return new DeferredDevice(entry.Device, entry.SupplierName, $"{way}: a cycle");
            at = supplier;
        }
    }

    private static string WhyAbsent(object key) => key switch
    {
        DeviceTreeNode { IsPresent: false } => "is disabled in the device tree",
        PhandleReference { Error: PhandleError.Unresolved } => "is no node of the device tree",
        PhandleReference reference => $"the device tree refers to wrongly ({reference.Error})",
        _ => "is not in the machine",
    };

    private static string WhyNot(Entry supplier) => supplier.State switch
    {
        BindState.NoDriver => $"no driver serves ({string.Join(", ", supplier.Device.Description.Compatible)})",
        BindState.Failed => $"failed: {supplier.Why}",
        BindState.Unbound => "was unbound",
        BindState.Bound => "is bound but does not provide that",
        _ => "is being probed",
    };
}
