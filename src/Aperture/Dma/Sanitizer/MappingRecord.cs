using System.Globalization;
using Aperture.Core;

namespace Aperture.Dma.Sanitizer;

/// <summary>The story of one mapping.</summary>
public readonly record struct MappingRecord
{
    /// <summary>The device that it was made for.</summary>
    public string Device { get; init; }

    /// <summary>Its driver, or null.</summary>
    public string? Driver { get; init; }

    /// <summary>The first device address.</summary>
    public Iova Address { get; init; }

    /// <summary>Bytes.</summary>
    public ulong Length { get; init; }

    /// <summary>The memory that the driver gave.</summary>
    public PhysicalAddress Memory { get; init; }

    /// <summary>Which way the bytes go.</summary>
    public DmaDirection Direction { get; init; }

    /// <summary>Which calls made it.</summary>
    public MappingApi Api { get; init; }

    /// <summary>Whether the device uses a bounce buffer.</summary>
    public bool IsBounced { get; init; }

    /// <summary>Where it was made.</summary>
    public CallSite Made { get; init; }

    /// <summary>The number of the call that made it, counted over all devices.</summary>
    public long MadeAt { get; init; }

    /// <summary>How it ended.</summary>
    public MappingEnd End { get; init; }

    /// <summary>Where it ended.</summary>
    public CallSite Ended { get; init; }

    /// <summary>The number of the call that ended it; 0 while it lives.</summary>
    public long EndedAt { get; init; }

    /// <summary>Tells it from all others of its device; 0 where that is not known.</summary>
    internal uint Serial { get; init; }

    /// <summary>The last device address.</summary>
    internal ulong Last => Address.Value + (Length - 1);

    internal bool Overlaps(ulong first, ulong last) => Address.Value <= last && first <= Last;

    /// <summary>One line.</summary>
    public override string ToString()
    {
        var end = End switch
        {
            MappingEnd.Unmapped => string.Create(CultureInfo.InvariantCulture, $", ended at {Ended} (call {EndedAt})"),
            MappingEnd.Leaked => string.Create(CultureInfo.InvariantCulture, $", left behind when the driver let go (call {EndedAt})"),
            _ => "",
        };
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Device}: {Describe(Api)} of 0x{Length:x} bytes at {Address}, {Describe(Direction)}, made at {Made} (call {MadeAt}){end}");
    }

    internal static string Describe(MappingApi api) => api switch
    {
        MappingApi.Scatter => "scatterlist piece",
        MappingApi.Coherent => "coherent buffer",
        MappingApi.Resource => "resource mapping",
        MappingApi.Pages => "page allocation",
        MappingApi.Block => "coherent block",
        _ => "single mapping",
    };

    internal static string Describe(DmaDirection direction) => direction switch
    {
        DmaDirection.ToDevice => "to the device",
        DmaDirection.FromDevice => "from the device",
        _ => "both ways",
    };
}
