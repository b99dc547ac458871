namespace Aperture.Datasheets.Tegra;

/// <summary>TYPE in <see cref="TegraErrorStatus"/>. Other values have no known name.</summary>
public enum TegraErrorKind
{
    /// <summary>No memory at the address.</summary>
    DecodeError = 2,

    /// <summary>Against the rules of TrustZone.</summary>
    TrustZone = 3,

    /// <summary>In a carve-out.</summary>
    Carveout = 4,

    /// <summary>A translation fault.</summary>
    InvalidSmmuPage = 6,
}
