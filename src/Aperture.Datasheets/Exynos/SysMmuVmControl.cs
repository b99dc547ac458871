namespace Aperture.Datasheets.Exynos;

/// <summary>CTRL_VM of version 7. Drivers set 9.</summary>
/// <remarks><code>
/// 31   4   3     2   1     0
/// |  -  | STALL |  -  | ENABLE |
/// </code></remarks>
/// <param name="Value">The register.</param>
public readonly record struct SysMmuVmControl(uint Value)
{
    /// <summary>Bit 0: the VID is in use.</summary>
    public const uint EnableBit = 1u << 0;

    /// <summary>Bit 3: stall a faulting access; clear: end it with an error.</summary>
    public const uint StallBit = 1u << 3;

    /// <summary>Whether the VID is in use.</summary>
    public bool IsEnabled => (Value & EnableBit) != 0;

    /// <summary>Whether a faulting access is stalled.</summary>
    public bool Stalls => (Value & StallBit) != 0;
}
