using Aperture.Core;
using Aperture.Devices;

namespace Aperture.Iommu;

// Devices that ask for pages and wait for the answer.
public sealed partial class IommuCore
{
    /// <summary>The most requests of a device that may wait for the last one of their groups; a device that sends more is told to
    /// stop.</summary>
    public const int MaxPartialRequests = 1024;

    private readonly Lock _requestsLock = new();
    private readonly Dictionary<(Device Device, Pasid? Pasid), List<PageRequest>> _partial = []; // until the last of their group comes
    private readonly List<PageRequestGroup> _waiting = []; // given to a handler and not answered

    /// <summary>Groups of page requests that wait for an answer.</summary>
    public int WaitingRequests
    {
        get
        {
            lock (_requestsLock)
                return _waiting.Count;
        }
    }

    /// <summary>Reports a page request. Those of one group wait for the last one; then the handler of the domain that is in force for the
    /// device and process decides, and the unit is told. Without a handler the answer is <see cref="PageResponseCode.Invalid"/>.</summary>
    /// <returns><see cref="Status.Ok"/>; <see cref="Status.NotFound"/>: nobody handles page requests there; <see cref="Status.NoSpace"/>:
    /// more than
    /// <see cref="MaxPartialRequests"/> wait, and the device was told to stop; or how the unit failed to pass the answer on.</returns>
    public Status Report(in PageRequest request)
    {
        ArgumentNullException.ThrowIfNull(request.Device);
        ArgumentNullException.ThrowIfNull(request.Unit);
        PageRequestGroup group;
        var isTooMuch = false;
        lock (_requestsLock)
        {
            var key = (request.Device, request.Pasid);
            if (!_partial.TryGetValue(key, out var partial))
                _partial.Add(key, partial = []);
            isTooMuch = !request.IsLast && partial.Count == MaxPartialRequests;
            if (!request.IsLast && !isTooMuch)
            {
                partial.Add(request);
                return Status.Ok;
            }

            var number = request.Group;
            group = new PageRequestGroup(this, [.. partial.Where(other => other.Group == number), request]);
            partial.RemoveAll(other => other.Group == number);
            if (partial.Count == 0)
                _partial.Remove(key);
            _waiting.Add(group);
        }

        if (isTooMuch)
        {
            Respond(group, PageResponseCode.Failure);
            return Status.NoSpace;
        }

        var domain = request.Device.Iommu?.Group.DomainOf(request.Pasid);
        if (domain?.PageRequestHandler is not { } handler)
        {
            Respond(group, PageResponseCode.Invalid);
            return Status.NotFound;
        }

        return handler(group) switch
        {
            FaultResponse.Deferred => Status.Ok,
            FaultResponse.Retry => Respond(group, PageResponseCode.Success),
            _ => Respond(group, PageResponseCode.Invalid),
        };
    }

    /// <summary>Tells the unit what becomes of a group, once.</summary>
    internal Status Respond(PageRequestGroup group, PageResponseCode code)
    {
        lock (_requestsLock)
        {
            if (!_waiting.Remove(group))
                return Status.NotFound;
        }

        return group.Unit.Respond(group.Answer(code));
    }

    /// <summary>Forgets the requests by way of a unit that wait for the last one of their groups: the unit lost page requests, those among
    /// them. Devices ask again.</summary>
    /// <param name="unit">The unit.</param>
    public void DropPartialRequests(IommuUnit unit)
    {
        lock (_requestsLock)
        {
            foreach (var (key, partial) in _partial)
            {
                partial.RemoveAll(request => request.Unit == unit);
                if (partial.Count == 0)
                    _partial.Remove(key);
            }
        }
    }

    /// <summary>Ends what a device asked for in an address space that it leaves: nobody will answer any more.</summary>
    /// <param name="device">The device.</param>
    /// <param name="pasid">The process; null for what comes without one.</param>
    /// <param name="anyProcess">Whether it is every process's, whatever <paramref name="pasid"/> says: a guest had them all.</param>
    internal void EndRequests(Device device, Pasid? pasid, bool anyProcess = false)
    {
        PageRequestGroup[] left;
        lock (_requestsLock)
        {
            foreach (var (key, _) in _partial)
            {
                if (key.Device == device && (anyProcess || key.Pasid == pasid))
                    _partial.Remove(key);
            }

            left = [.. _waiting.Where(group => group.Device == device && (anyProcess || group.Pasid == pasid))];
        }

        foreach (var group in left)
            Respond(group, PageResponseCode.Invalid);
    }
}
