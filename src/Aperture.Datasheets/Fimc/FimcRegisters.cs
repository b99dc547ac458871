namespace Aperture.Datasheets.Fimc;

/// <summary>Byte offsets of the registers of FIMC, the camera interface and scaler of Exynos 4 (Exynos 4412 user manual,
/// camera interface), those of memory-to-memory work. All are 32 bits wide.</summary>
public static class FimcRegisters
{
    /// <summary>Bytes of the window.</summary>
    public const uint Size = 0x1000;

    /// <summary>CIGCTRL: see <see cref="FimcGlobalControl"/>.</summary>
    public const uint GlobalControl = 0x08;

    /// <summary>CIOYSA1: device address of the target's first plane.</summary>
    public const uint TargetY = 0x18;

    /// <summary>CITRGFMT: see <see cref="FimcTargetFormat"/>.</summary>
    public const uint TargetFormat = 0x48;

    /// <summary>CISCPRERATIO: see <see cref="FimcPreRatio"/>.</summary>
    public const uint PreRatio = 0x50;

    /// <summary>CISCPREDST: [29:16] width, [13:0] height behind the prescaler.</summary>
    public const uint PreTarget = 0x54;

    /// <summary>CISCCTRL: see <see cref="FimcScalerControl"/>.</summary>
    public const uint ScalerControl = 0x58;

    /// <summary>CITAREA: [27:0] pixels of the target.</summary>
    public const uint TargetArea = 0x5C;

    /// <summary>CISTATUS: see <see cref="FimcStatus"/>.</summary>
    public const uint Status = 0x64;

    /// <summary>CIIMGCPT: [31] IMGCPTEN, [30] IMGCPTEN_SC.</summary>
    public const uint ImageCapture = 0xC0;

    /// <summary>CIIYSA0: device address of the source's first plane.</summary>
    public const uint SourceY = 0xD4;

    /// <summary>CIICBSA0: device address of the source's Cb plane.</summary>
    public const uint SourceCb = 0xD8;

    /// <summary>CIICRSA0: device address of the source's Cr plane.</summary>
    public const uint SourceCr = 0xDC;

    /// <summary>CIREAL_ISIZE: [29:16] height, [13:0] width of the source; [31] AUTOLOAD_EN, [30] ADDR_CH_DIS.</summary>
    public const uint RealSourceSize = 0xF8;

    /// <summary>MSCTRL: see <see cref="FimcMemoryControl"/>.</summary>
    public const uint MemoryControl = 0xFC;

    /// <summary>CIOYOFF: where in the target's first plane the picture begins: [29:16] lines, [13:0] pixels.</summary>
    public const uint TargetYOffset = 0x168;

    /// <summary>CIIYOFF: where in the source's first plane the picture begins: [29:16] lines, [13:0] pixels.</summary>
    public const uint SourceYOffset = 0x174;

    /// <summary>CIICBOFF: the same in the Cb plane, in its own lines and pixels.</summary>
    public const uint SourceCbOffset = 0x178;

    /// <summary>CIICROFF: the same in the Cr plane.</summary>
    public const uint SourceCrOffset = 0x17C;

    /// <summary>ORGISIZE: [29:16] height, [13:0] width of the whole of the source in memory.</summary>
    public const uint SourceSize = 0x180;

    /// <summary>ORGOSIZE: [29:16] height, [13:0] width of the whole of the target in memory.</summary>
    public const uint TargetSize = 0x184;

    /// <summary>CIEXTEN: [15:10] low bits of the horizontal main ratio, [5:0] of the vertical one.</summary>
    public const uint Extension = 0x188;

    /// <summary>CIFCNTSEQ, the last register.</summary>
    public const uint Last = 0x1FC;

    /// <summary>CIIMGCPT: IMGCPTEN and IMGCPTEN_SC.</summary>
    public const uint CaptureEnable = (1u << 31) | (1u << 30);

    /// <summary>CIREAL_ISIZE: ADDR_CH_DIS, addresses stay as they are between frames.</summary>
    public const uint AddressChangeDisable = 1 << 30;

    /// <summary>A register with fields at [29:16] and [13:0].</summary>
    /// <param name="high">[29:16].</param>
    /// <param name="low">[13:0].</param>
    public static uint Pair(int high, int low) => (((uint)high & 0x3FFF) << 16) | ((uint)low & 0x3FFF);

    /// <summary>[29:16] of such a register.</summary>
    public static int High(uint pair) => (int)((pair >> 16) & 0x3FFF);

    /// <summary>[13:0] of such a register.</summary>
    public static int Low(uint pair) => (int)(pair & 0x3FFF);
}
