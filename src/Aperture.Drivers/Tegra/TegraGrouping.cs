namespace Aperture.Drivers.Tegra;

/// <summary>Which masters share an address space.</summary>
public enum TegraGrouping
{
    /// <summary>Those whose swgroups the SoC's conventions put together, because they work on the same buffers (displays and their
    /// engines).</summary>
    ByConvention,

    /// <summary>Only those that have a swgroup in common: the hardware tells all others apart.</summary>
    BySwgroup,
}
