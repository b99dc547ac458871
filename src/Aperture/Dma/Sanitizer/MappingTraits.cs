namespace Aperture.Dma.Sanitizer;

/// <summary>What a mapping is.</summary>
[Flags]
internal enum MappingTraits
{
    None = 0,

    /// <summary>It has not ended.</summary>
    Live = 1,

    /// <summary>It is found by its device address in the index; else by its memory, which has the same address.</summary>
    Indexed = 1 << 1,

    /// <summary>The device uses a bounce buffer.</summary>
    Bounced = 1 << 2,

    /// <summary>Its copy is taken when the CPU takes the memory.</summary>
    Lazy = 1 << 3,

    /// <summary>The CPU's caches stand between it and the device.</summary>
    Cached = 1 << 4,

    /// <summary>What a mapping may be that ends with nothing but this: all but for those who look closer.</summary>
    Plain = Live | Indexed | Bounced | Lazy | Cached,

    /// <summary>It has a copy.</summary>
    Copied = 1 << 5,

    /// <summary>Bytes of it were synced, or written by the device.</summary>
    Moved = 1 << 6,

    /// <summary>Several devices use it in turns.</summary>
    Shared = 1 << 7,

    /// <summary>Its driver says that the CPU writes nothing in the lines that it shares.</summary>
    IgnoresLines = 1 << 8,

    /// <summary>The CPU and the device may both touch the bytes at any time.</summary>
    AnyTime = 1 << 9,

    /// <summary>Its memory, or a part, was given back, and that was told.</summary>
    Freed = 1 << 10,

    /// <summary>It shares a line of the cache with another mapping, which was told where it matters.</summary>
    SharesLine = 1 << 11,

    /// <summary>Coherent memory that is given out in blocks.</summary>
    Arena = 1 << 12,

    /// <summary>It was unmapped or freed.</summary>
    Unmapped = 1 << 13,

    /// <summary>The driver let go of the device and left it behind.</summary>
    Leaked = 1 << 14,

    /// <summary>It was never made.</summary>
    Void = 1 << 15,
}
