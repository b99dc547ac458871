using Aperture.Core.Memory;
using Aperture.Core.Threading;
using Aperture.Devices;
using Aperture.Dma.Memory;

namespace Aperture.Dma.Sanitizer;

/// <summary>Watches every call of the DMA API and every access of the devices, and tells what drivers do wrong: an address sanitizer
/// for DMA.</summary>
/// <remarks>
/// <para>Thread-safe. It remembers live mappings, a number of ended ones, and copies of mapped bytes, each up to the limit in the options.
/// It changes nothing that drivers or devices see, but that syncs always have something to do. After a while it allocates nothing, unless
/// it finds something.</para>
/// <para>The CPU's accesses cannot be seen one by one. What it wrote is found by comparing; that it reads is taken from
/// <see cref="MemoryBlock.Span"/>.</para>
/// </remarks>
public sealed partial class DmaSanitizer : IDisposable
{
    private readonly Lock _lock = new(); // guards everything here, with the locks of all spaces
    private readonly PhysicalMemory? _memory;                               // null on a host: contents are not watched
    private readonly SanitizerOptions _options;
    private readonly Dictionary<object, SpaceWatch> _spaces = [];           // by domain, or by device without one
    private readonly MemoryPages _pages;                                    // live mappings by the memory that drivers gave
    private readonly ulong _line;                                           // bytes of a line of the CPU's caches
    private readonly bool _isLazy;                                          // what the CPU has not taken need not be copied
    private readonly SnapshotPool _copies;
    private int _allowed;                                                   // how often it was said that a device may do wrong
    private long _scatters;                                                 // scatterlists so far

    /// <summary>A sanitizer that watches nothing yet.</summary>
    /// <param name="memory">The machine's RAM; null where there is none to look into, as on a host: contents are not watched then.</param>
    /// <param name="options">What it looks at; null for the defaults.</param>
    public DmaSanitizer(PhysicalMemory? memory = null, SanitizerOptions? options = null)
    {
        _memory = memory;
        _options = options ?? new SanitizerOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.ErrorLimit, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.MaxMappings, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.History, 1, nameof(options));
        _copies = new SnapshotPool(_options.ContentBytes);
        _born = CallClock.Sync(ThreadRecord.Current);
        _pages = new MemoryPages(memory);
        _line = (ulong)Line;
        _isLazy = _options.WatchSpans;
        if (memory is not null)
            SpanWatch.Add(this);
    }

    /// <summary>Mappings that are live now.</summary>
    public int LiveMappings
    {
        get
        {
            using (HoldAll())
                return _spaces.Values.Sum(space => space.Live.Count());
        }
    }

    /// <summary>Mappings whose contents were not watched, because the copies would have been too large.</summary>
    public long UnwatchedContents
    {
        get
        {
            using (HoldAll())
                return _copies.Refused;
        }
    }

    /// <summary>Makes a sanitizer that hears of every call of the DMA API on a machine. Counts for devices that are attached from then
    /// on.</summary>
    /// <param name="platform">The machine's DMA platform.</param>
    /// <param name="memory">The machine's RAM; null where there is none to look into.</param>
    /// <param name="options">What it looks at; null for the defaults.</param>
    public static DmaSanitizer Watch(DmaPlatform platform, PhysicalMemory? memory = null, SanitizerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(platform);
        var sanitizer = new DmaSanitizer(memory, options);
        platform.Observer = new SanitizerObserver(sanitizer);
        return sanitizer;
    }

    /// <summary>Says that what the calling thread does until the result is disposed is known to be so, and no finding: for the one line of
    /// a driver that does on purpose what looks wrong. It works whether a sanitizer is there or not.</summary>
    /// <param name="kinds">Which findings; none for all.</param>
    public static IDisposable Known(params ReadOnlySpan<FindingKind> kinds) => new KnownFindings(kinds);

    /// <summary>Until the result is disposed nothing that this device does is a finding: for tests that let it do wrong on
    /// purpose.</summary>
    public IDisposable Allow(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        using (HoldAll())
        {
            WatchOf(device).Allowed++;
            _allowed++;
        }

        return new Allowance(this, device);
    }

    /// <summary>Ends the watch of <see cref="MemoryBlock.Span"/>. The machine's memory may be freed afterwards; the findings
    /// stay.</summary>
    public void Dispose()
    {
        using (HoldAll())
            Settle();
        SpanWatch.Remove(this);
    }

    private static object KeyOf(Device device) => device.Dma.Domain ?? (object)device;

    private DeviceWatch WatchOf(Device device)
    {
        if (device.Dma.Watch is { } watch && watch.Owner == this)
            return watch;
        watch = new DeviceWatch(this);
        device.Dma.Watch = watch;
        return watch;
    }

    private static DeviceStay StayOf(Device device) => device.Dma.Watch is { Stay: { } stay } && stay.Device == device
        && stay.Driver == device.Driver ? stay : new DeviceStay(device);

    private SpaceWatch SpaceOf(Device device)
    {
        var watch = WatchOf(device);
        var key = KeyOf(device);
        if (watch.Space is { IsGone: false } known && known.Key == key)
            return known;
        if (!_spaces.TryGetValue(key, out var space))
        {
            space = new SpaceWatch(key, _pages.NextId(), _options.History, _pages);
            space.Lock.Enter(ThreadRecord.Current); // as all others are held; it goes with them
            _spaces.Add(key, space);
            _pages.Add(space);
        }

        watch.Space = space;
        return space;
    }

    private sealed class Allowance(DmaSanitizer sanitizer, Device device) : IDisposable
    {
        private bool _isDone; // counts once

        public void Dispose()
        {
            using (sanitizer.HoldAll())
            {
                if (_isDone)
                    return;
                _isDone = true;
                sanitizer.WatchOf(device).Allowed--;
                sanitizer._allowed--;
            }
        }
    }
}
