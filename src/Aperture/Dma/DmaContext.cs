using Aperture.Core;
using Aperture.Devices;
using Aperture.Diagnostics;
using Aperture.Dma.Bounce;
using Aperture.Dma.Flush;
using Aperture.Dma.Memory;
using Aperture.Dma.Operations;
using Aperture.Dma.Sanitizer;
using Aperture.Iommu;

namespace Aperture.Dma;

/// <summary>The DMA API of one device: allocate, map, sync, unmap. Whether an IOMMU, a bounce buffer or nothing stands between the
/// device and memory was decided when the device was attached; the calls are the same.</summary>
/// <remarks>Thread-safe. Nothing here allocates on the managed heap in the steady state, except where a call says so.</remarks>
public sealed partial class DmaContext
{
    private readonly Device _device;
    private DmaOperations? _operations; // null while nothing was chosen: the device can do no DMA
    private DmaOperations? _chosen;     // the same, but for the time when the device's group is in another domain
    private IommuGroup? _group;         // whose changes of domain are followed; null without operations, or without an IOMMU
    private IommuDomain? _home;         // the domain that was in force when they were chosen
    private DmaPlatform? _platform;     // what the machine's devices have in common; null as above
    private IommuDomain? _domain;       // the domain that operations go through, or null
    private DmaTrace? _trace;           // null when nobody listens
    private DmaObserver? _observer;     // null when nobody listens
    private bool _isWatched;            // somebody listens
    // device addresses are physical ones, no cache needs maintenance and no trace is written: a mapping is but a check
    private bool _isPlain;
    private bool _cached = true;        // the CPU's caches need maintenance around this device's DMA
    private volatile bool _bounced;     // the device has used a bounce buffer once: from then on every sync looks for one

    internal DmaContext(Device device)
    {
        _device = device;
        UpdateLimits();
    }

    /// <summary>Where the driver gets memory for streaming mappings.</summary>
    /// <exception cref="ApertureException">The device was not attached: it can do no DMA.</exception>
    public SystemMemory Memory => Platform.Memory;

    /// <summary>What stands between the device and memory: <c>none</c>, <c>direct</c>, <c>iommu</c>, <c>bounce</c> or
    /// <c>iommu+bounce</c>.</summary>
    public string Path => _operations?.Name ?? "none";

    /// <summary>Whether the device sees the CPU's caches, by its description.</summary>
    public bool Snoops => _device.Description.IsCoherent;

    /// <summary>Whether no cache maintenance is needed: the device snoops, or there are no caches between.</summary>
    public bool IsCoherent => !_cached;

    /// <summary>How deferred flush did in the device's address space; all zero where every unmap invalidates at once.</summary>
    public FlushStatistics FlushStatistics => (_domain?.Queue as FlushQueue)?.Statistics ?? default;

    /// <summary>The bounce buffers that this device uses, if it uses any.</summary>
    /// <exception cref="ApertureException">The device was not attached: it can do no DMA.</exception>
    public BouncePool BouncePool => _device.Description.BouncePool ?? Platform.BouncePool;

    /// <summary>Called when the device is about to lose its way to memory, while it has it still.</summary>
    internal event Action<DmaContext>? Detaching;

    /// <summary>The device's name.</summary>
    internal string DeviceName => _device.Name;

    /// <summary>The device.</summary>
    internal Device Device => _device;

    /// <summary>The domain that streaming mappings go through, or null.</summary>
    internal IommuDomain? Domain => _domain;

    /// <summary>What the observer keeps of this device; null for nothing.</summary>
    internal DeviceWatch? Watch { get; set; }

    /// <summary>Whether a driver has the device: it was given memory, if not a way to it.</summary>
    internal bool IsOffered => _platform is not null;

    /// <summary>Whether a way to memory was chosen.</summary>
    internal bool IsAttached => _operations is not null;

    private DmaOperations Operations => _operations ?? throw NotAttached();

    private DmaPlatform Platform => _platform ?? throw NotAttached();

    /// <summary>Makes the calls here work through a domain that the driver brought itself, from which the DMA API then takes device
    /// addresses. Several devices may use one domain: what one maps has the same device address for all;
    /// <see cref="Spaces.DmaSpace"/> puts them all into it, and back.</summary>
    /// <param name="domain">The paging domain that is in force for the device's group. The driver keeps out of the device addresses that it
    /// maps itself.</param>
    /// <exception cref="ApertureException"><see cref="Status.NoDevice"/>: no driver is being bound; <see cref="Status.NotSupported"/>: the
    /// domain holds no mappings;
    /// <see cref="Status.InvalidArgument"/>: another domain is in force.</exception>
    public void UseDomain(IommuDomain domain)
    {
        ArgumentNullException.ThrowIfNull(domain);
        _ = Platform;
        if (!domain.IsPaging)
            throw new ApertureException(Status.NotSupported, $"{_device.Name} cannot do DMA through a domain of type {domain.Type}");
        if (_device.Iommu?.Domain != domain)
            throw new ApertureException(Status.InvalidArgument, $"{_device.Name} cannot do DMA through a domain that it is not in");
        _domain = domain;
        Follow();
        Choose();
    }

    /// <summary>Ends what <see cref="UseDomain"/> began: no calls work until a domain is brought again. What is still mapped is told as
    /// left behind.</summary>
    internal void LeaveDomain()
    {
        _observer?.OnDetach(this);
        var errors = default(ThrownErrors);
        Listeners.Tell(Detaching, this, ref errors);
        _domain?.Queue?.Flush();
        Forget();
        errors.Throw();
    }

    /// <summary>Chooses how the device reaches memory.</summary>
    /// <param name="platform">What the machine's devices have in common.</param>
    /// <param name="domain">The paging domain in force for it, or null.</param>
    /// <param name="trace">Hears of the calls, or null.</param>
    internal void Attach(DmaPlatform platform, IommuDomain? domain, DmaTrace? trace)
    {
        Offer(platform, trace);
        _domain = domain;
        Follow();
        Choose();
    }

    /// <summary>Gives the device memory but no way to it: its driver brings its own domain.</summary>
    internal void Offer(DmaPlatform platform, DmaTrace? trace)
    {
        _platform = platform;
        _trace = trace;
        _observer = platform.Observer;
        _isWatched = trace is not null || _observer is not null;
        _cached = platform.Memory.NeedsMaintenance && !_device.Description.IsCoherent;
        UpdateLimits();
    }

    /// <summary>Takes the choice back: the device can do no DMA. What a driver said of masks and limits is forgotten.</summary>
    internal void Detach()
    {
        // What was left behind is told as such, not as unmapped in time.
        _observer?.OnDetach(this);
        _observer = null;
        var errors = default(ThrownErrors);
        Listeners.Tell(Detaching, this, ref errors);
        _domain?.Queue?.Flush();
        Forget();
        _platform = null;
        _trace = null;
        _observer = null;
        _isWatched = false;
        ForgetLimits();
        errors.Throw();
    }

    /// <summary>From now on every sync looks for a bounce buffer.</summary>
    internal void Bounces()
    {
        if (!_bounced)
            _bounced = true;
    }

    /// <summary>Before memory goes back to where it came from: no device may reach it any more.</summary>
    internal void FlushUnmaps() => _domain?.Queue?.Flush();

    private void Choose()
    {
        if (_platform is { } platform)
            _chosen = DmaAttach.Choose(this, platform, _domain);
        Use();
    }

    /// <summary>From now on nothing is mapped while the group is elsewhere.</summary>
    private void Follow()
    {
        _home = _device.Iommu?.Domain;
        if (_group is not null || _device.Iommu is not { } master)
            return;
        _group = master.Group;
        _group.Switched += Use;
    }

    /// <summary>Works by what was chosen, as far as the domain in force allows.</summary>
    private void Use()
    {
        var isAway = _group is not null && _group.Domain != _home;
        _operations = isAway && _chosen is { } chosen and not NoOperations ? new ParkedOperations(chosen) : _chosen;
        _isPlain = _operations is DirectOperations && !_cached && _trace is null && _ranges is null;
    }

    private void Forget()
    {
        if (_group is not null)
            _group.Switched -= Use;
        (_operations, _chosen, _domain, _group, _home, _isPlain) = (null, null, null, null, null, false);
    }

    private ApertureException NotAttached() =>
        new(Status.NoDevice, $"{_device.Name} is not attached to any memory: " + (_platform is null
            ? "it can do no DMA while no driver is bound"
            : "its driver manages its address space and gave none to the DMA API (DmaSpace)"));
}
