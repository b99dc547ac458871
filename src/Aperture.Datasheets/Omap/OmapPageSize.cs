namespace Aperture.Datasheets.Omap;

/// <summary>The PAGESIZE field of a CAM word.</summary>
public enum OmapPageSize
{
    /// <summary>1 MiB.</summary>
    Section = 0,

    /// <summary>64 KiB.</summary>
    LargePage = 1,

    /// <summary>4 KiB.</summary>
    SmallPage = 2,

    /// <summary>16 MiB.</summary>
    Supersection = 3,
}
