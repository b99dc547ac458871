namespace Aperture.DeviceTrees;

/// <summary>One entry of <c>ranges</c> or <c>dma-ranges</c>.</summary>
/// <param name="Space">Which PCI space the child address is in; zero on other buses.</param>
/// <param name="Child">The first address on the child's side.</param>
/// <param name="ParentSpace">Which PCI space the parent address is in.</param>
/// <param name="Parent">The first address on the parent's side.</param>
/// <param name="Length">Bytes.</param>
internal readonly record struct BusRange(uint Space, ulong Child, uint ParentSpace, ulong Parent, ulong Length);
