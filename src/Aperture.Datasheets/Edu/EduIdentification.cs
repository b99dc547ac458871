namespace Aperture.Datasheets.Edu;

/// <summary>The identification register of the educational device.</summary>
/// <remarks><code>
/// 31    24 23    16 15       8 7     0
/// [ major ][ minor ][ zero    ][ 0xED ]
/// </code></remarks>
/// <param name="Value">The register.</param>
public readonly record struct EduIdentification(uint Value)
{
    private const uint Signature = 0xED;
    private const uint SignatureMask = 0xFFFF;

    /// <summary>The register of version 1.0, the only one that is known.</summary>
    public static EduIdentification Version10 => new(0x0100_00ED);

    /// <summary>Whether it is such a device at all.</summary>
    public bool IsEdu => (Value & SignatureMask) == Signature;

    /// <summary>[31:24] the major version.</summary>
    public int Major => (int)(Value >> 24);

    /// <summary>[23:16] the minor version.</summary>
    public int Minor => (int)(Value >> 16 & 0xFF);
}
