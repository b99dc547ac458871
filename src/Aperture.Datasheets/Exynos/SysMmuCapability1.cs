namespace Aperture.Datasheets.Exynos;

/// <summary>CAPA1 of version 7 (source: vendor driver register lists).</summary>
/// <remarks><code>
/// 31  28 27  16 15         14    13  12 11    4 3     0
/// | TYPE |  -  | NO_BLOCK | VCR |  -  |  TLBS  | PORTS |
/// </code></remarks>
/// <param name="Value">The register.</param>
public readonly record struct SysMmuCapability1(uint Value)
{
    /// <summary>Bit 14: the per-VM register blocks exist.</summary>
    public const uint HasVmBit = 1u << 14;

    /// <summary>Whether the per-VM register blocks exist.</summary>
    public bool HasVm => (Value & HasVmBit) != 0;

    /// <summary>Bit 15: the unit can be maintained without being blocked.</summary>
    public bool NeedsNoBlock => (Value & (1u << 15)) != 0;

    /// <summary>Number of TLBs.</summary>
    public uint TlbCount => (Value >> 4) & 0xFF;

    /// <summary>Number of ports.</summary>
    public uint PortCount => Value & 0xF;
}
