namespace Aperture.Datasheets.Sd;

/// <summary>COMMAND of a standard SD host controller.</summary>
/// <remarks><code>
/// 15 14 13      8  7  6  5     4      3    2  1      0
/// [    ][ index  ][type][data][index][CRC][ ][response]
/// </code></remarks>
/// <param name="Value">The register.</param>
public readonly record struct SdhciCommand(uint Value)
{
    /// <summary>RESPONSE TYPE: none.</summary>
    public const uint NoResponse = 0;

    /// <summary>RESPONSE TYPE: 136 bits.</summary>
    public const uint LongResponse = 1;

    /// <summary>RESPONSE TYPE: 48 bits.</summary>
    public const uint ShortResponse = 2;

    /// <summary>RESPONSE TYPE: 48 bits, and the card may be busy after it.</summary>
    public const uint BusyResponse = 3;

    /// <summary>[5] DATA PRESENT.</summary>
    public const uint DataPresent = 1 << 5;

    /// <summary>[13:8] COMMAND INDEX.</summary>
    public SdCommand Index => (SdCommand)((Value >> 8) & 0x3F);

    /// <summary>[1:0] RESPONSE TYPE.</summary>
    public uint ResponseType => Value & 3;

    /// <summary>[5] DATA PRESENT: the data lines are used.</summary>
    public bool HasData => (Value & DataPresent) != 0;

    /// <summary>A command.</summary>
    /// <param name="index">Which.</param>
    /// <param name="responseType">What the card answers with.</param>
    /// <param name="hasData">Whether data follow.</param>
    public static SdhciCommand For(SdCommand index, uint responseType, bool hasData = false) =>
        new(((uint)index << 8) | responseType | (hasData ? DataPresent : 0));
}
