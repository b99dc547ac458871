using System.Text;
using Aperture.Core;
using Aperture.Devices;

namespace Aperture.Dma.Sanitizer;

// Findings.
public sealed partial class DmaSanitizer
{
    private const int StoryLength = 4; // earlier mappings and neighbours in a finding

    // what was found, by what makes it the same
    private readonly Dictionary<(FindingKind, string, CallSite, CallSite), DmaFinding> _known = [];
    private readonly List<DmaFinding> _findings = []; // in order of arrival
    private long _suppressed;                         // findings beyond the limit

    /// <summary>Is told of each finding when it is seen first. It must not call the DMA API.</summary>
    public event Action<DmaFinding>? Found;

    /// <summary>What was found so far, in order.</summary>
    public IReadOnlyList<DmaFinding> Findings
    {
        get
        {
            lock (_lock)
                return [.. _findings];
        }
    }

    /// <summary>How many findings were beyond the error limit: of them nothing else is known.</summary>
    public long Suppressed
    {
        get
        {
            lock (_lock)
                return _suppressed;
        }
    }

    /// <summary>What is and was mapped on the page of a device address: live mappings first, then ended ones, the latest first.</summary>
    public IReadOnlyList<MappingRecord> HistoryOf(Device device, Iova address)
    {
        ArgumentNullException.ThrowIfNull(device);
        lock (_lock)
        {
            if (!_spaces.TryGetValue(KeyOf(device), out var space))
                return [];
            var found = new List<MappingRecord>();
            foreach (var mapping in space.Pages.On(address.Value))
                found.Add(mapping.Record);
            found.AddRange(space.PastOf(address.Value, address.Value, StoryLength));
            return found;
        }
    }

    /// <summary>Forgets the findings, not the mappings.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            _known.Clear();
            _findings.Clear();
            _suppressed = 0;
        }
    }

    /// <summary>Passes when nothing was found: for the end of a test.</summary>
    /// <exception cref="SanitizerException">There are findings; the message lists them.</exception>
    public void AssertClean()
    {
        var findings = Findings;
        if (findings.Count > 0)
            throw new SanitizerException(findings, ToString());
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
        if (Suppressed is > 0 and var more)
            text.Append('\n').Append($"{more} more beyond the limit of {_options.ErrorLimit}");
        return text.ToString();
    }

    /// <returns>True, for callers that stop at the first finding.</returns>
    private bool Report(FindingKind kind, Device device, Iova address, ulong length, string message, CallSite site, LiveMapping? mapping,
        string? driver = null) =>
        ReportStory(kind, device, address, length, message, site, mapping?.Record, driver);

    private bool ReportStory(FindingKind kind, Device device, Iova address, ulong length, string message, CallSite site,
        MappingRecord? mapping, string? driver = null)
    {
        driver ??= device.Driver?.Name ?? mapping?.Driver;
        if (_options.Devices?.Contains(device.Name) == false || _options.Ignored?.Contains(kind) == true
            || (_options.Drivers is { } drivers && (driver is null || !drivers.Contains(driver))) || IsAllowedNow(device))
            return true;
        var key = (kind, device.Name, site, mapping?.Made ?? default);
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
            Where = site.IsKnown || !_isDriver ? site : CallSite.OfDriver(),
            Mapping = mapping,
            Neighbours = space is null || mapping is null ? [] : NeighboursOf(space, mapping.Value),
            History = space?.PastOf(address.Value, last, StoryLength) ?? [],
            At = _calls,
        };
        _known.Add(key, finding);
        _findings.Add(finding);
        Found?.Invoke(finding);
        return true;
    }

    /// <summary>What else the device reaches through the pages of a mapping, and what else is in the memory behind them.</summary>
    private List<MappingRecord> NeighboursOf(SpaceWatch space, MappingRecord mapping)
    {
        var found = new List<MappingRecord>();
        Collect(space.Pages.On(mapping.Address.Value));
        Collect(space.Pages.On(mapping.Last));
        if (mapping.Api is MappingApi.Single or MappingApi.Scatter or MappingApi.Pages)
        {
            Collect(_physical.On(mapping.Memory.Value));
            Collect(_physical.On(mapping.Memory.Value + (mapping.Length - 1)));
        }

        return found;

        void Collect(PageIndex.Chain chain)
        {
            foreach (var other in chain)
            {
                if (found.Count < StoryLength && other.Record.MadeAt != mapping.MadeAt && !found.Contains(other.Record))
                    found.Add(other.Record);
            }
        }
    }
}
