namespace Aperture.Iommu;

/// <summary>A domain without tables: identity or blocked.</summary>
internal sealed class StaticDomain(DomainType type) : IommuDomain(type);
