namespace Aperture.Datasheets.Msm;

/// <summary>The bits of ESR.</summary>
[Flags]
public enum MsmGlobalError : uint
{
    /// <summary>No error.</summary>
    None = 0,

    /// <summary>CFG: an access whose machine ID leads to no context bank.</summary>
    Configuration = 1u << 0,

    /// <summary>BYPASS: an access that may not bypass translation would have.</summary>
    Bypass = 1u << 1,

    /// <summary>MULTI: more errors came before this one was cleared; they are not recorded.</summary>
    Multiple = 1u << 31,
}
