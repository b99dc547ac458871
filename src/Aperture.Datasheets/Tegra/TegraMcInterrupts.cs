namespace Aperture.Datasheets.Tegra;

/// <summary>MC_INTSTATUS and MC_INTMASK.</summary>
[Flags]
public enum TegraMcInterrupts : uint
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>An access to where no memory is.</summary>
    DecodeError = 1u << 6,

    /// <summary>An access against the rules of TrustZone or of a carve-out.</summary>
    SecurityViolation = 1u << 8,

    /// <summary>The arbiter had to wait for a client too long.</summary>
    Arbitration = 1u << 9,

    /// <summary>A translation fault.</summary>
    InvalidSmmuPage = 1u << 10,

    /// <summary>A swgroup's address-space number was written against the rules of security.</summary>
    InvalidAsidUpdate = 1u << 11,

    /// <summary>An access to the protected video region.</summary>
    VideoProtect = 1u << 12,

    /// <summary>An access to the security carve-out.</summary>
    Security = 1u << 13,

    /// <summary>An access to the carve-out of the CPU's microcode.</summary>
    Mts = 1u << 16,

    /// <summary>An access to a general carve-out.</summary>
    Carveout = 1u << 17,
}
