namespace Aperture.Datasheets.Pci;

/// <summary>Registers of access control services, from the capability's first byte. Source: PCI Express Base Specification,
/// 7.7.11.</summary>
public static class AcsRegisters
{
    /// <summary>Bytes.</summary>
    public const int Length = 8;

    /// <summary>What there is, 16 bits: see <see cref="AcsFlags"/>.</summary>
    public const uint Capabilities = 4;

    /// <summary>What is in force, 16 bits.</summary>
    public const uint Control = 6;
}

/// <summary>Access control services. Source: PCI Express Base Specification, 6.12.1.</summary>
[Flags]
public enum AcsFlags : ushort
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>[0] Who uses another's bus number is refused.</summary>
    SourceValidation = 1 << 0,

    /// <summary>[1] Who uses translated addresses is refused.</summary>
    TranslationBlocking = 1 << 1,

    /// <summary>[2] Requests to peers go to the root.</summary>
    RequestRedirect = 1 << 2,

    /// <summary>[3] Completions to peers go to the root.</summary>
    CompletionRedirect = 1 << 3,

    /// <summary>[4] What the root sends back to a port's own side goes there.</summary>
    UpstreamForwarding = 1 << 4,

    /// <summary>[5] Requests to some ports are refused.</summary>
    EgressControl = 1 << 5,

    /// <summary>[6] Requests with translated addresses go to peers directly, whatever <see cref="RequestRedirect"/> says.</summary>
    DirectTranslated = 1 << 6,

    /// <summary>What keeps functions apart: sources that cannot be forged, and no way but by the root.</summary>
    Isolation = SourceValidation | RequestRedirect | CompletionRedirect | UpstreamForwarding,
}
