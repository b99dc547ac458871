namespace Aperture.Datasheets.Omap;

/// <summary>The CNTL register.</summary>
/// <remarks><code>
/// 31       4  3            2         1         0
/// [reserved ] [emutlbupdate][twlenable][mmuenable][reserved]
/// </code></remarks>
/// <param name="Bits">The register.</param>
public readonly record struct OmapControl(uint Bits)
{
    /// <summary>All defined bits.</summary>
    public const uint Mask = MmuEnable | TwlEnable | EmuTlbUpdate;

    /// <summary>MMUENABLE: translate; else addresses pass unchanged.</summary>
    public const uint MmuEnable = 1 << 1;

    /// <summary>TWLENABLE: the hardware walks the tables on a miss.</summary>
    public const uint TwlEnable = 1 << 2;

    /// <summary>EMUTLBUPDATE: walks for a debugger's access may fill the TLB.</summary>
    public const uint EmuTlbUpdate = 1 << 3;

    /// <summary>Whether the MMU translates.</summary>
    public bool IsEnabled => (Bits & MmuEnable) != 0;

    /// <summary>Whether the hardware walks tables.</summary>
    public bool IsWalkerEnabled => (Bits & TwlEnable) != 0;

    /// <summary>Whether a debugger's walk fills the TLB.</summary>
    public bool IsEmuUpdateEnabled => (Bits & EmuTlbUpdate) != 0;
}
