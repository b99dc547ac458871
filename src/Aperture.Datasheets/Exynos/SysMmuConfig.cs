namespace Aperture.Datasheets.Exynos;

/// <summary>MMU_CFG. Bits without a name below are not known.</summary>
/// <remarks><code>
/// 29:28 PB mode (3.0, 3.1: 2 separate, 3 combined)    20    FLPD cache enable (3.2 on)
/// 24    ACGEN auto clock gating (3.3 on)              18:16 PB2..PB0 enable (3.2)
/// 22    SYSSEL (3.2)                                  12    shareable walks (3.x)
/// 21    PB0 and PB1 combined (3.2)                    11    QOS override (3.3 on)
/// 19    PB0 to PB2 combined (3.2)                     10:7  QOS
///  2    EAP check access permissions                   0    LRU replacement (up to 3.2)
/// </code></remarks>
/// <param name="Value">The register.</param>
public readonly record struct SysMmuConfig(uint Value)
{
    /// <summary>Bit 0: replace the least recently used TLB entry (up to 3.2).</summary>
    public const uint LruBit = 1u << 0;

    /// <summary>Bit 2: check access permissions.</summary>
    public const uint CheckPermissionBit = 1u << 2;

    /// <summary>Bits 10:7 with the highest quality of service, which drivers use.</summary>
    public const uint QosHighest = 15u << 7;

    /// <summary>Bit 11: the QOS value replaces the master's (3.3 on).</summary>
    public const uint QosOverrideBit = 1u << 11;

    /// <summary>Bit 12: walks are shareable (3.x).</summary>
    public const uint ShareableBit = 1u << 12;

    /// <summary>Bit 20: keep first-level descriptors in a cache (3.2 on).</summary>
    public const uint FlpdCacheBit = 1u << 20;

    /// <summary>Bit 22: SYSSEL (3.2).</summary>
    public const uint SysSelectBit = 1u << 22;

    /// <summary>Bit 24: automatic clock gating (3.3 on).</summary>
    public const uint AutoClockGateBit = 1u << 24;

    /// <summary>What drivers write on versions up to 3.1: 0x785.</summary>
    public static SysMmuConfig UpTo31 => new(LruBit | QosHighest | CheckPermissionBit);

    /// <summary>What drivers write on version 3.2: 0x500785.</summary>
    public static SysMmuConfig For32 => new(UpTo31.Value | FlpdCacheBit | SysSelectBit);

    /// <summary>What drivers write from version 3.3 on: 0x1100784.</summary>
    public static SysMmuConfig From33 => new(QosHighest | FlpdCacheBit | AutoClockGateBit | CheckPermissionBit);

    /// <summary>Whether permissions are checked.</summary>
    public bool ChecksPermission => (Value & CheckPermissionBit) != 0;

    /// <summary>Whether the first-level descriptor cache is on.</summary>
    public bool UsesFlpdCache => (Value & FlpdCacheBit) != 0;

    /// <summary>Quality of service, 0 to 15.</summary>
    public uint Qos => (Value >> 7) & 15;
}
