using System.Globalization;
using System.Text;
using Aperture.Core;

namespace Aperture.Dma.Sanitizer;

/// <summary>One thing that is wrong, with its story.</summary>
public sealed class DmaFinding
{
    /// <summary>What is wrong.</summary>
    public required FindingKind Kind { get; init; }

    /// <summary>Which device.</summary>
    public required string Device { get; init; }

    /// <summary>Its driver, or null.</summary>
    public string? Driver { get; init; }

    /// <summary>The first device address that is concerned; all ones where there is none.</summary>
    public required Iova Address { get; init; }

    /// <summary>Bytes that are concerned.</summary>
    public required ulong Length { get; init; }

    /// <summary>What happened.</summary>
    public required string Message { get; init; }

    /// <summary>What to do about it.</summary>
    public string Advice => FindingAdvice.For(Kind);

    /// <summary>Where the driver showed it, by a call or by looking at memory; where the device showed it and no mapping tells more, its
    /// driver's last call. Else unknown.</summary>
    public CallSite Where { get; init; }

    /// <summary>The mapping, or null.</summary>
    public MappingRecord? Mapping { get; init; }

    /// <summary>The other mappings that share a page with it.</summary>
    public IReadOnlyList<MappingRecord> Neighbours { get; init; } = [];

    /// <summary>The nearest mappings of the device, below and above, where it used an address that nothing maps.</summary>
    public IReadOnlyList<MappingRecord> Nearest { get; init; } = [];

    /// <summary>What was mapped at these addresses before, the latest first.</summary>
    public IReadOnlyList<MappingRecord> History { get; init; } = [];

    /// <summary>The number of the call, or of the call before the access, that showed it first.</summary>
    public long At { get; init; }

    /// <summary>How often the same was seen: the same kind, device and places.</summary>
    public long Count { get; internal set; } = 1;

    /// <summary>The finding as a paragraph.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Kind}: {Device}{(Driver is null ? "" : $" ({Driver})")}: {Message}");
        if (Where.IsKnown)
            text.Append(CultureInfo.InvariantCulture, $"\n  call:      {Where}");
        if (Mapping is { } mapping)
            text.Append(CultureInfo.InvariantCulture, $"\n  mapping:   {mapping}");
        foreach (var neighbour in Neighbours)
            text.Append(CultureInfo.InvariantCulture, $"\n  same page: {neighbour}");
        foreach (var beside in Nearest)
            text.Append(CultureInfo.InvariantCulture, $"\n  nearest:   {beside}");
        foreach (var past in History)
            text.Append(CultureInfo.InvariantCulture, $"\n  before:    {past}");
        text.Append(CultureInfo.InvariantCulture, $"\n  do:        {Advice}");
        if (Count > 1)
            text.Append(CultureInfo.InvariantCulture, $"\n  seen {Count} times");
        return text.ToString();
    }
}
