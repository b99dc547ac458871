namespace Aperture.Datasheets.Sd;

/// <summary>ADMA ERROR STATUS of a standard SD host controller.</summary>
/// <param name="Value">The register.</param>
public readonly record struct SdhciAdmaError(uint Value)
{
    /// <summary>State when the error came: ST_FDS, a descriptor was fetched; ADMA SYSTEM ADDRESS is that descriptor's.</summary>
    public const uint Fetching = 1;

    /// <summary>State when the error came: ST_TFR, data were moved; ADMA SYSTEM ADDRESS is that of the descriptor behind.</summary>
    public const uint Transferring = 3;

    /// <summary>[2] LENGTH MISMATCH: the descriptors hold fewer bytes than the blocks.</summary>
    public const uint LengthMismatch = 1 << 2;

    /// <summary>[1:0] ERROR STATE.</summary>
    public uint State => Value & 3;

    /// <summary>Whether the descriptors hold fewer bytes than the blocks.</summary>
    public bool IsLengthMismatch => (Value & LengthMismatch) != 0;
}
