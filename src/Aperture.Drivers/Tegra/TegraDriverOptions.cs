namespace Aperture.Drivers.Tegra;

/// <summary>What the driver can do in more than one way.</summary>
public sealed record TegraDriverOptions
{
    /// <summary>Which masters share an address space. Default: as the SoC's conventions say.</summary>
    public TegraGrouping Grouping { get; init; }

    /// <summary>Whether 4 MiB of memory in one piece are mapped by one section. The hardware has sections, but no known driver uses them;
    /// default: no.</summary>
    public bool UsesSections { get; init; }
}
