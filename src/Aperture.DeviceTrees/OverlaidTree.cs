namespace Aperture.DeviceTrees;

/// <summary>A board's tree with overlays put onto it, one after the other.</summary>
public sealed class OverlaidTree
{
    // The overlay's node of each node that an overlay added or changed, by path; the last overlay that did.
    private readonly Dictionary<string, OverlayOrigin> _origins = new(StringComparer.Ordinal);

    private OverlaidTree(DeviceTree board)
    {
        Board = board;
        Tree = board;
    }

    /// <summary>The board's own tree.</summary>
    public DeviceTree Board { get; }

    /// <summary>The tree that results.</summary>
    public DeviceTree Tree { get; private set; }

    /// <summary>Puts overlays onto a tree, as boot loaders do: phandles of an overlay are moved beyond those of the tree, references are
    /// led to the nodes that its labels name there, and each fragment is merged into its target.</summary>
    /// <param name="board">The board's tree; overlays that refer to its labels need one that was compiled with them (<c>-@</c>).</param>
    /// <param name="overlays">The overlays in their order, each with a name for messages: its file.</param>
    /// <exception cref="DeviceTreeException">An overlay does not fit; the message names it and what is wrong.</exception>
    public static OverlaidTree Apply(DeviceTree board, params IEnumerable<(string Name, DeviceTree Overlay)> overlays)
    {
        ArgumentNullException.ThrowIfNull(board);
        ArgumentNullException.ThrowIfNull(overlays);
        var result = new OverlaidTree(board);
        foreach (var (name, overlay) in overlays)
            result.Tree = new OverlayMerge(result.Tree, name, overlay, result._origins).Run();
        return result;
    }

    /// <summary>Where an overlay has a node, or what it changed of it.</summary>
    /// <param name="path">The node's path in <see cref="Tree"/>.</param>
    /// <param name="origin">The node of the last overlay that added or changed it.</param>
    /// <returns>False for a node that is the board's own and unchanged.</returns>
    public bool TryFindOrigin(string path, out OverlayOrigin origin) => _origins.TryGetValue(path, out origin);
}
