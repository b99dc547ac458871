namespace Aperture.Datasheets.Omap;

/// <summary>The SYSCONFIG register.</summary>
/// <remarks><code>
/// 31       10 9           8  7   5  4      3  2  1          0
/// [reserved ] [clockactivity][    ] [idlemode][ ][softreset][autoidle]
/// </code></remarks>
/// <param name="Bits">The register.</param>
public readonly record struct OmapSysConfig(uint Bits)
{
    /// <summary>AUTOIDLE, IDLEMODE: what software can write and read back. CLOCKACTIVITY is read-only.</summary>
    public const uint StoredMask = 0x19;

    /// <summary>AUTOIDLE: the interface clock gates itself.</summary>
    public const uint AutoIdle = 1 << 0;

    /// <summary>SOFTRESET: writing 1 resets the module; reads 0.</summary>
    public const uint SoftReset = 1 << 1;

    /// <summary>Whether the written word asks for a reset.</summary>
    public bool IsSoftReset => (Bits & SoftReset) != 0;

    /// <summary>IDLEMODE: 0 force-idle, 1 no-idle, 2 smart-idle, 3 reserved.</summary>
    public uint IdleMode => (Bits >> 3) & 3;

    /// <summary>The register with another idle mode, 0 to 3.</summary>
    public OmapSysConfig WithIdleMode(uint mode) => new((Bits & ~0x18u) | ((mode & 3) << 3));
}
