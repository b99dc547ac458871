namespace Aperture.Hardware.Omap;

/// <summary>How an <see cref="OmapMmu"/> joins TTB and the first-level index where TTB is not aligned to the table's 16 KiB.</summary>
public enum OmapTableIndexing
{
    /// <summary>The index is added.</summary>
    Add,

    /// <summary>The index is ORed in.</summary>
    Or,
}
