namespace Aperture.Hardware.Omap;

/// <summary>What an <see cref="OmapMmu"/> does with a CURRENTVICTIM that names no entry. LOCK reads back as written in either
/// case.</summary>
public enum OmapVictimOverflow
{
    /// <summary>The upper bits are not decoded: the entry is CURRENTVICTIM modulo the number of entries.</summary>
    Wrap,

    /// <summary>No entry is selected: READ_CAM and READ_RAM read zero, LD_TLB does nothing.</summary>
    NoEntry,
}
