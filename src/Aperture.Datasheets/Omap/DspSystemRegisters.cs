namespace Aperture.Datasheets.Omap;

/// <summary>The part of the DSP_SYSTEM block of a DRA7 DSP that concerns its two MMUs.</summary>
/// <remarks><code>
/// SYS_MMU_CONFIG   31       5  4     3    1  0
///                  [         ] [mmu1][      ] [mmu0]      mmu0: MDMA port, mmu1: EDMA port
/// </code></remarks>
public static class DspSystemRegisters
{
    /// <summary>SYS_REVISION, read-only.</summary>
    public const uint Revision = 0x00;

    /// <summary>SYS_MMU_CONFIG.</summary>
    public const uint MmuConfig = 0x18;

    /// <summary>The enable bits of both MMUs.</summary>
    public const uint MmuConfigMask = 0x11;

    /// <summary>Number of MMUs.</summary>
    public const int Mmus = 2;

    /// <summary>The enable bit of an MMU.</summary>
    /// <param name="instance">0 (MDMA) or 1 (EDMA).</param>
    public static uint EnableBit(int instance) => 1u << (instance * 4);
}
