namespace Aperture.Datasheets.Tegra;

/// <summary>Swgroups whose masters share an address space by convention, because they work on the same buffers.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Swgroups">Numbers of its swgroups.</param>
public sealed record TegraGroup(string Name, IReadOnlyList<uint> Swgroups);
