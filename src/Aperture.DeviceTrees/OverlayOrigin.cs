namespace Aperture.DeviceTrees;

/// <summary>Where an overlay has what became a node of a board's tree, or a part of one.</summary>
/// <param name="Overlay">The overlay's name.</param>
/// <param name="Node">The path of the node in the overlay.</param>
public readonly record struct OverlayOrigin(string Overlay, string Node);
