namespace Aperture.Datasheets.Omap3Isp;

/// <summary>Byte offsets of the registers of the CCDC, the bridge that takes a sensor's lines into memory, from the start of
/// the ISP's first window (OMAP36xx TRM, camera ISP, CCDC). All are 32 bits wide.</summary>
public static class CcdcRegisters
{
    /// <summary>Start of the block.</summary>
    public const uint Base = 0x600;

    /// <summary>CCDC_PID, read-only.</summary>
    public const uint Id = Base + 0x00;

    /// <summary>CCDC_PCR: [0] ENABLE, taken at the next frame; [1] BUSY, read-only.</summary>
    public const uint Pcr = Base + 0x04;

    /// <summary>CCDC_SYN_MODE: see <see cref="CcdcSynMode"/>.</summary>
    public const uint SynMode = Base + 0x08;

    /// <summary>CCDC_HORZ_INFO: [30:16] SPH first pixel, [14:0] NPH pixels minus one.</summary>
    public const uint HorizontalInfo = Base + 0x14;

    /// <summary>CCDC_VERT_START: [30:16] SLV0 first line, [14:0] SLV1 the same of the second field.</summary>
    public const uint VerticalStart = Base + 0x18;

    /// <summary>CCDC_VERT_LINES: [14:0] NLV lines minus one.</summary>
    public const uint VerticalLines = Base + 0x1C;

    /// <summary>CCDC_HSIZE_OFF: [15:0] bytes from line to line in memory, a multiple of 32.</summary>
    public const uint LineOffset = Base + 0x24;

    /// <summary>CCDC_SDR_ADDR: device address of the first line, a multiple of 32; taken at the next frame.</summary>
    public const uint MemoryAddress = Base + 0x2C;

    /// <summary>CCDC_VDINT: [30:16] VDINT0, [14:0] VDINT1: at which line VD0 and VD1 come.</summary>
    public const uint VdInterrupt = Base + 0x48;

    /// <summary>CCDC_LSC_TABLE_OFFSET, the last register of the block.</summary>
    public const uint Last = Base + 0xA4;

    /// <summary>CCDC_PCR: ENABLE.</summary>
    public const uint PcrEnable = 1 << 0;

    /// <summary>CCDC_PCR: BUSY.</summary>
    public const uint PcrBusy = 1 << 1;

    /// <summary>Lines and addresses in memory start at multiples of this many bytes.</summary>
    public const uint MemoryAlignment = 32;

    /// <summary>A register with a field of 15 bits in each half.</summary>
    /// <param name="high">[30:16].</param>
    /// <param name="low">[14:0].</param>
    public static uint Pair(int high, int low) => (((uint)high & 0x7FFF) << 16) | ((uint)low & 0x7FFF);

    /// <summary>[30:16] of such a register.</summary>
    public static int High(uint pair) => (int)((pair >> 16) & 0x7FFF);

    /// <summary>[14:0] of such a register.</summary>
    public static int Low(uint pair) => (int)(pair & 0x7FFF);
}
