namespace Aperture.Datasheets.Omap;

/// <summary>A CAM word: the half of a TLB entry that is compared. Registers CAM and READ_CAM.</summary>
/// <remarks><code>
/// 31   12 11      4  3         2     1      0
/// [vatag] [reserved] [preserved][valid][pagesize]
/// </code></remarks>
/// <param name="Bits">The word.</param>
public readonly record struct OmapCam(uint Bits)
{
    /// <summary>All defined bits.</summary>
    public const uint Mask = 0xFFFFF00F;

    /// <summary>P: the entry survives GFLUSH.</summary>
    public const uint Preserved = 1 << 3;

    /// <summary>V: the entry translates.</summary>
    public const uint Valid = 1 << 2;

    /// <summary>A valid word.</summary>
    /// <param name="address">Any byte of the page.</param>
    /// <param name="size">Size of the page.</param>
    /// <param name="preserved">Whether it survives GFLUSH.</param>
    public OmapCam(uint address, OmapPageSize size, bool preserved = false)
        : this((address & MaskOf(size)) | (preserved ? Preserved : 0) | Valid | (uint)size)
    {
    }

    /// <summary>Whether the entry translates.</summary>
    public bool IsValid => (Bits & Valid) != 0;

    /// <summary>Whether the entry survives GFLUSH.</summary>
    public bool IsPreserved => (Bits & Preserved) != 0;

    /// <summary>PAGESIZE.</summary>
    public OmapPageSize Size => (OmapPageSize)(Bits & 3);

    /// <summary>VATAG as an address, as it was written: not masked by the page's size.</summary>
    public uint Tag => Bits & 0xFFFFF000;

    /// <summary>Log2 of the page's size in bytes.</summary>
    public int Shift => ShiftOf(Size);

    /// <summary>Whether the page contains an address; says nothing of <see cref="IsValid"/>.</summary>
    public bool Contains(uint address) => ((Bits ^ address) & MaskOf(Size)) == 0;

    /// <summary>Log2 of a page size in bytes: 20, 16, 12 or 24.</summary>
    public static int ShiftOf(OmapPageSize size) => (int)(0x18_0C_10_14u >> ((int)size * 8)) & 0x1F;

    /// <summary>The address bits that a page of this size compares.</summary>
    public static uint MaskOf(OmapPageSize size) => uint.MaxValue << ShiftOf(size);
}
