using Aperture.Core;
using Aperture.Devices;

namespace Aperture.Iommu;

/// <summary>Page requests of one device and process that are answered together, once.</summary>
public sealed class PageRequestGroup
{
    private readonly IommuCore _core;
    private readonly PageRequest[] _requests;

    internal PageRequestGroup(IommuCore core, PageRequest[] requests)
    {
        _core = core;
        _requests = requests;
    }

    /// <summary>The requests, in the order in which they came.</summary>
    public ReadOnlySpan<PageRequest> Requests => _requests;

    /// <summary>The device.</summary>
    public Device Device => _requests[^1].Device;

    /// <summary>The process; null for none.</summary>
    public Pasid? Pasid => _requests[^1].Pasid;

    /// <summary>The unit that reported them.</summary>
    internal IommuUnit Unit => _requests[^1].Unit;

    /// <summary>The answer that the unit gets.</summary>
    internal PageResponse Answer(PageResponseCode code) => new(Device, Pasid, _requests[^1].Group, code);

    /// <summary>Answers; a second answer changes nothing.</summary>
    /// <returns><see cref="Status.NotFound"/>: it was answered already, or the device left the domain meanwhile, which answers for it; or
    /// how the unit failed.</returns>
    public Status Respond(PageResponseCode code) => _core.Respond(this, code);
}
