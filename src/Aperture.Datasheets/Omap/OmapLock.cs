namespace Aperture.Datasheets.Omap;

/// <summary>The LOCK register: which entries are locked, and which one is next.</summary>
/// <remarks><code>
/// 31      15 14     10  9  8            4  3      0
/// [reserved] [basevalue][ ][currentvictim] [reserved]
/// </code>
/// Written, CURRENTVICTIM selects the entry for LD_TLB, READ_CAM and READ_RAM; read, it is the entry that the walker
/// replaces next.</remarks>
/// <param name="Bits">The register.</param>
public readonly record struct OmapLock(uint Bits)
{
    /// <summary>All defined bits.</summary>
    public const uint Mask = 0x7DF0;

    /// <summary>Largest value of either field.</summary>
    public const int Max = 31;

    /// <summary>The register with both fields, each 0 to 31.</summary>
    public OmapLock(int baseValue, int victim)
        : this(((uint)(baseValue & Max) << 10) | ((uint)(victim & Max) << 4))
    {
    }

    /// <summary>BASEVALUE: entries 0 to BASEVALUE-1 are locked: the walker never replaces them.</summary>
    public int Base => (int)(Bits >> 10) & Max;

    /// <summary>CURRENTVICTIM.</summary>
    public int Victim => (int)(Bits >> 4) & Max;
}
