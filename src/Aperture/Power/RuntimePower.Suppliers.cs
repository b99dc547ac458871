using Aperture.Core;

namespace Aperture.Power;

// The devices that must be active while this one is.
public sealed partial class RuntimePower
{
    private readonly List<Link> _links = []; // in the order in which the suppliers were named

    /// <summary>The devices that are active while this one is, in the order in which they are resumed.</summary>
    public IReadOnlyList<IPowered> Suppliers
    {
        get
        {
            lock (_lock)
                return [.. _links.Where(link => link.IsConfirmed).Select(link => link.Supplier)];
        }
    }

    /// <summary>Makes this device depend on another one: the driver core resumes and wakes the supplier first, and unbinds, suspends and
    /// puts to sleep this device first. An active device holds its new supplier at once. Links to the same device are counted.</summary>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: the supplier depends on this device; or the supplier could
    /// not be resumed. Nothing is linked then.</exception>
    public void AddSupplier(IPowered supplier)
    {
        ArgumentNullException.ThrowIfNull(supplier);
        Link link;
        lock (_lock)
        {
            link = Count(supplier);
            if (link.IsConfirmed)
                return;
        }

        // Looked for once the link can be seen: of two threads that link two devices to each other at least one finds the circle. Until
        // then nobody follows the link.
        var path = new List<string>();
        if (Reaches(supplier, _device, path, []))
        {
            Uncount(link);
            throw new ApertureException(
                Status.InvalidArgument,
                $"{_device.Name} cannot depend on {supplier.Name}: {string.Join(" depends on ", path)}");
        }

        try
        {
            lock (_lock)
            {
                link.IsConfirmed = true;
                if (IsActive || _changing)
                    link.Hold();
            }
        }
        catch
        {
            Uncount(link);
            throw;
        }
    }

    private Link Count(IPowered supplier)
    {
        var link = _links.Find(link => link.Supplier == supplier);
        if (link is null)
            _links.Add(link = new Link(supplier));
        link.Count++;
        return link;
    }

    private void Uncount(Link link)
    {
        lock (_lock)
        {
            if (--link.Count > 0)
                return;
            _links.Remove(link);
            link.Release();
        }
    }

    /// <summary>Takes one such dependency back.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NotFound"/>: there is none.</exception>
    public void RemoveSupplier(IPowered supplier)
    {
        ArgumentNullException.ThrowIfNull(supplier);
        lock (_lock)
        {
            Uncount(_links.Find(link => link.Supplier == supplier && link.IsConfirmed)
                ?? throw new ApertureException(Status.NotFound, $"{_device.Name} does not depend on {supplier.Name}"));
        }
    }

    private void HoldSuppliers()
    {
        // By index: the list may grow while a supplier is resumed.
        for (var i = 0; i < _links.Count; i++)
        {
            if (_links[i].IsConfirmed)
                _links[i].Hold();
        }
    }

    private void ReleaseSuppliers()
    {
        for (var i = _links.Count - 1; i >= 0; i--)
            _links[i].Release();
    }

    /// <summary>Whether the suppliers of a device lead to another one; <paramref name="path"/> names those on the way.</summary>
    private static bool Reaches(IPowered from, IPowered to, List<string> path, HashSet<IPowered> seen)
    {
        path.Add(from.Name);
        if (from == to)
            return true;
        if (seen.Add(from))
        {
            foreach (var supplier in from.Power.AllSuppliers())
            {
                if (Reaches(supplier, to, path, seen))
                    return true;
            }
        }

        path.RemoveAt(path.Count - 1);
        return false;
    }

    /// <summary>With those that somebody is about to link.</summary>
    private IPowered[] AllSuppliers()
    {
        lock (_lock)
            return [.. _links.Select(link => link.Supplier)];
    }

    private sealed class Link(IPowered supplier)
    {
        private bool _held; // whether this link holds the supplier active

        public IPowered Supplier { get; } = supplier;

        /// <summary>How often the supplier was named.</summary>
        public int Count { get; set; }

        /// <summary>Whether it closes no circle.</summary>
        public bool IsConfirmed { get; set; }

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
