namespace Aperture.Linux.Hosts;

/// <summary>All there is to say of a PCI function at a moment.</summary>
/// <param name="Function">The function.</param>
/// <param name="Use">Who uses it, in words; null when nobody seems to.</param>
/// <param name="Problems">What is in the way of using it, the fatal first.</param>
/// <param name="Group">Its IOMMU group; null without one.</param>
public sealed record FunctionReport(PciFunction Function, string? Use, IReadOnlyList<HostProblem> Problems, GroupReport? Group);
