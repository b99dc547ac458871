namespace Aperture.Datasheets.Msm;

/// <summary>An IOMMU of a SoC.</summary>
/// <param name="Name">The vendor's name.</param>
/// <param name="Address">Where its registers lie.</param>
/// <param name="Banks">Number of context banks.</param>
/// <param name="Uses">What its contexts are for.</param>
public sealed record MsmUnit(string Name, ulong Address, int Banks, IReadOnlyList<MsmContextUse> Uses);
