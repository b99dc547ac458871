using Aperture.Core;
using Aperture.Devices;

namespace Aperture.Power;

// The devices that must be active while this one is.
public sealed partial class RuntimePower
{
    private readonly List<Link> _links = []; // in the order in which the suppliers were named

    /// <summary>The devices that are active while this one is, in the order in which they are resumed.</summary>
    public IReadOnlyList<Device> Suppliers
    {
        get
        {
            lock (_lock)
                return [.. _links.Select(link => link.Supplier)];
        }
    }

    /// <summary>Makes this device depend on another one: the driver core resumes and wakes the supplier first, and unbinds, suspends and
    /// puts to sleep this device first. An active device holds its new supplier at once. Links to the same device are counted.</summary>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: the supplier depends on this device; or the supplier could not be resumed. Nothing is linked then.</exception>
    public void AddSupplier(Device supplier)
    {
        ArgumentNullException.ThrowIfNull(supplier);
        var path = new List<string>();
        if (Reaches(supplier, _device, path, []))
            throw new ApertureException(Status.InvalidArgument, $"{_device.Name} cannot depend on {supplier.Name}: {string.Join(" depends on ", path)}");
        lock (_lock)
        {
            if (_links.Find(link => link.Supplier == supplier) is { } known)
            {
                known.Count++;
                return;
            }

            var added = new Link(supplier);
            if (IsActive || _changing)
                added.Hold();
            _links.Add(added);
        }
    }

    /// <summary>Takes one such dependency back.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NotFound"/>: there is none.</exception>
    public void RemoveSupplier(Device supplier)
    {
        ArgumentNullException.ThrowIfNull(supplier);
        lock (_lock)
        {
            var link = _links.Find(link => link.Supplier == supplier)
                ?? throw new ApertureException(Status.NotFound, $"{_device.Name} does not depend on {supplier.Name}");
            if (--link.Count > 0)
                return;
            _links.Remove(link);
            link.Release();
        }
    }

    private void HoldSuppliers()
    {
        // By index: the list may grow while a supplier is resumed.
        for (var i = 0; i < _links.Count; i++)
            _links[i].Hold();
    }

    private void ReleaseSuppliers()
    {
        for (var i = _links.Count - 1; i >= 0; i--)
            _links[i].Release();
    }

    /// <summary>Whether the suppliers of a device lead to another one; <paramref name="path"/> names those on the way.</summary>
    private static bool Reaches(Device from, Device to, List<string> path, HashSet<Device> seen)
    {
        path.Add(from.Name);
        if (from == to)
            return true;
        if (seen.Add(from))
        {
            foreach (var supplier in from.Power.Suppliers)
            {
                if (Reaches(supplier, to, path, seen))
                    return true;
            }
        }

        path.RemoveAt(path.Count - 1);
        return false;
    }

    private sealed class Link(Device supplier)
    {
        private bool _held; // whether this link holds the supplier active

        public Device Supplier { get; } = supplier;

        public int Count { get; set; } = 1;

        public void Hold()
        {
            if (_held)
                return;
            Supplier.Power.Get();
            _held = true;
        }

        public void Release()
        {
            if (!_held)
                return;
            _held = false;
            Supplier.Power.Put();
        }
    }
}
