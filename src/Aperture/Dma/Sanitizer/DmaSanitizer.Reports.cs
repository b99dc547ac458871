using System.Text;
using Aperture.Core;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Dma.Sanitizer;

// Findings.
public sealed partial class DmaSanitizer
{
    private const int StoryLength = 4; // earlier mappings and neighbours in a finding

    // what was found, by what makes it the same
    private readonly Dictionary<(FindingKind, string, CallSite, CallSite, ulong), DmaFinding> _known = [];
    private readonly List<DmaFinding> _findings = []; // in order of arrival
    private readonly List<FaultReport> _faults = [];  // that nobody mended
    private long _suppressed;                         // findings beyond the limit

    /// <summary>Is told of each finding when it is seen first. It must not call the DMA API.</summary>
    public event Action<DmaFinding>? Found;

    /// <summary>What was found so far, in order.</summary>
    public IReadOnlyList<DmaFinding> Findings
    {
        get
        {
            using (HoldAll())
            {
                Settle();
                return [.. _findings];
            }
        }
    }

    /// <summary>Faults that no handler mended, the oldest first, of units that <see cref="WatchFaults"/> was told of. Of devices that were
    /// allowed to do wrong there are none.</summary>
    public IReadOnlyList<FaultReport> UnhandledFaults
    {
        get
        {
            using (HoldAll())
                return [.. _faults];
        }
    }

    /// <summary>How many findings were beyond the error limit: of them nothing else is known.</summary>
    public long Suppressed
    {
        get
        {
            using (HoldAll())
                return _suppressed;
        }
    }

    /// <summary>What is and was mapped on the page of a device address: live mappings first, then ended ones, the latest first.</summary>
    public IReadOnlyList<MappingRecord> HistoryOf(Device device, Iova address)
    {
        ArgumentNullException.ThrowIfNull(device);
        using (HoldAll())
        {
            if (!_spaces.TryGetValue(KeyOf(device), out var space))
                return [];
            var found = new List<MappingRecord>();
            foreach (var mapping in space.On(address.Value))
                found.Add(mapping.Record);
            found.AddRange(space.PastOf(address.Value, address.Value, StoryLength));
            return found;
        }
    }

    /// <summary>Forgets the findings, not the mappings.</summary>
    public void Clear()
    {
        using (HoldAll())
        {
            Settle();
            _known.Clear();
            _findings.Clear();
            _faults.Clear();
            _suppressed = 0;
        }
    }

    /// <summary>Takes faults that nobody mends for mistakes, too: <see cref="AssertClean()"/> fails on them.</summary>
    /// <param name="iommu">Whose.</param>
    public void WatchFaults(IommuCore iommu)
    {
        ArgumentNullException.ThrowIfNull(iommu);
        iommu.UnhandledFault += OnFault;
    }

    /// <summary>Passes when nothing was found and no fault went unhandled: for the end of a test.</summary>
    /// <exception cref="SanitizerException">There are findings or faults; the message lists them.</exception>
    public void AssertClean() => AssertClean(isOver: false);

    /// <summary>Passes when nothing was found and no fault went unhandled: for the end of a test.</summary>
    /// <param name="isOver">Whether drivers that are bound still should hold nothing any more: what they have mapped or allocated is a
    /// <see cref="FindingKind.Leak"/> then. What a driver leaves behind when it lets go of its device is one in any case.</param>
    /// <exception cref="SanitizerException">There are findings or faults; the message lists them.</exception>
    public void AssertClean(bool isOver)
    {
        if (isOver)
        {
            using (HoldAll())
            {
                t_isDriver = false;
                TellLeaks(MappingsOf(null), "the driver still has", "mapped or allocated");
            }
        }

        var findings = Findings;
        if (findings.Count > 0 || UnhandledFaults.Count > 0)
            throw new SanitizerException(findings, ToString());
    }

    private void OnFault(FaultReport fault)
    {
        using (HoldAll())
        {
            if (_faults.Count < _options.ErrorLimit && !(fault.Device is { } device ? IsAllowedNow(device) : _allowed > 0)
                && (fault.Device is null || _options.Devices?.Contains(fault.Device.Name) != false))
                _faults.Add(fault);
        }
    }

    /// <summary>All findings as text.</summary>
    public override string ToString()
    {
        var findings = Findings;
        var text = new StringBuilder();
        text.Append(findings.Count == 0 ? "DMA sanitizer: no findings"
            : $"DMA sanitizer: {findings.Count} finding{(findings.Count == 1 ? "" : "s")}");
        foreach (var finding in findings)
            text.Append('\n').Append(finding);
        foreach (var fault in UnhandledFaults)
            text.Append('\n').Append("unhandled fault: ").Append(fault);
        if (Suppressed is > 0 and var more)
            text.Append('\n').Append($"{more} more beyond the limit of {_options.ErrorLimit}");
        return text.ToString();
    }

    /// <returns>True, for callers that stop at the first finding.</returns>
    private bool Report(FindingKind kind, Device device, Iova address, ulong length, string message, CallSite site, LiveMapping? mapping,
        string? driver = null) =>
        ReportStory(kind, device, address, length, message, site, mapping?.Record, driver);

    private bool ReportStory(FindingKind kind, Device device, Iova address, ulong length, string message, CallSite site,
        MappingRecord? mapping, string? driver = null, List<MappingRecord>? nearest = null)
    {
        driver ??= device.Driver?.Name ?? mapping?.Driver;
        if (_options.Devices?.Contains(device.Name) == false || _options.Ignored?.Contains(kind) == true
            || (_options.Drivers is { } drivers && (driver is null || !drivers.Contains(driver))) || IsAllowedNow(device)
            || KnownFindings.Has(kind))
            return true;
        if (!site.IsKnown && t_isDriver)
            site = CallSite.OfDriver();
        else if (!site.IsKnown && mapping is null)
            site = LastCallOf(device); // the device did it, and no mapping tells where to begin
        // Leaks are told by where they were made, all others by their buffer, too.
        var buffer = kind == FindingKind.Leak ? 0 : mapping?.Memory.Value ?? 0;
        var key = (kind, device.Name, site, mapping?.Made ?? default, buffer);
        if (_known.TryGetValue(key, out var known))
        {
            known.Count++;
            return true;
        }

        if (_findings.Count >= _options.ErrorLimit)
        {
            _suppressed++;
            return true;
        }

        var last = length == 0 ? address.Value : LastOf(address, length);
        _spaces.TryGetValue(KeyOf(device), out var space);
        var finding = new DmaFinding
        {
            Kind = kind,
            Device = device.Name,
            Driver = driver,
            Address = address,
            Length = length,
            Message = message,
            Where = site,
            Mapping = mapping,
            Neighbours = space is null || mapping is null ? [] : NeighboursOf(space, mapping.Value),
            Nearest = nearest ?? [],
            History = space?.PastOf(address.Value, last, StoryLength) ?? [],
            At = Now,
        };
        _known.Add(key, finding);
        _findings.Add(finding);
        Listeners.Tell(Found, finding);
        return true;
    }

    /// <summary>What else the device reaches through the pages of a mapping, and what else is in the memory behind them.</summary>
    private List<MappingRecord> NeighboursOf(SpaceWatch space, MappingRecord mapping)
    {
        var found = new List<MappingRecord>();
        foreach (var address in (ulong[])[mapping.Address.Value, mapping.Last])
        {
            foreach (var other in space.On(address))
                Collect(other);
        }

        if (mapping.Api is MappingApi.Single or MappingApi.Scatter or MappingApi.Pages)
        {
            foreach (var address in (ulong[])[mapping.Memory.Value, mapping.Memory.Value + (mapping.Length - 1)])
            {
                foreach (var other in _pages.On(address))
                    Collect(other);
            }
        }

        return found;

        void Collect(LiveMapping other)
        {
            if (found.Count < StoryLength && other.MadeAt != mapping.MadeAt && !found.Contains(other.Record))
                found.Add(other.Record);
        }
    }
}
