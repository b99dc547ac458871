namespace Aperture.Datasheets.Exynos;

/// <summary>MMU_CTRL. Values that drivers write: 0 off, 5 running, 7 blocked, 3 blocked without interrupts.</summary>
/// <remarks><code>
/// 31          4   3     2      1      0
/// |     -     | STALL | INT | BLOCK | ENABLE |
/// </code></remarks>
/// <param name="Value">The register.</param>
public readonly record struct SysMmuControl(uint Value)
{
    /// <summary>Bit 0: translate. Clear: device addresses are physical addresses.</summary>
    public const uint EnableBit = 1u << 0;

    /// <summary>Bit 1: hold accesses back.</summary>
    public const uint BlockBit = 1u << 1;

    /// <summary>Bit 2: drive the interrupt line.</summary>
    public const uint InterruptBit = 1u << 2;

    /// <summary>Bit 3: stall on a fault (version 7; the bit counts in CTRL_VM where that exists).</summary>
    public const uint StallBit = 1u << 3;

    /// <summary>Translation off.</summary>
    public static SysMmuControl Off => new(0);

    /// <summary>Translation and interrupt on.</summary>
    public static SysMmuControl Running => new(EnableBit | InterruptBit);

    /// <summary>Translation and interrupt on, accesses held back.</summary>
    public static SysMmuControl Blocked => new(EnableBit | BlockBit | InterruptBit);

    /// <summary>Whether the unit translates.</summary>
    public bool IsEnabled => (Value & EnableBit) != 0;

    /// <summary>Whether software asks the unit to hold accesses back.</summary>
    public bool IsBlocked => (Value & BlockBit) != 0;

    /// <summary>Whether the interrupt line is driven.</summary>
    public bool HasInterrupt => (Value & InterruptBit) != 0;

    /// <summary>Whether a faulting access is stalled.</summary>
    public bool Stalls => (Value & StallBit) != 0;
}
