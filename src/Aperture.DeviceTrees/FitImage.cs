using System.Collections.Immutable;

namespace Aperture.DeviceTrees;

/// <summary>Containers of images that have a device tree's form (flattened image trees): kernels, device trees and more below
/// <c>/images</c>, and which belong together below <c>/configurations</c> (Flattened Image Tree specification 0.8).</summary>
public static class FitImage
{
    /// <summary>Whether a tree is such a container.</summary>
    public static bool Is(DeviceTree tree)
    {
        ArgumentNullException.ThrowIfNull(tree);
        return tree.Root.Child("images") is not null && tree.Root.Child("configurations") is not null && !tree.Root.Has("compatible");
    }

    /// <summary>The device trees in a container, in its order; empty when it has none, or is no container.</summary>
    public static ImmutableArray<DeviceTreeNode> Trees(DeviceTree tree) => Is(tree)
        ? [.. tree.Root.Child("images")!.Children.Where(image => image.String("type") == "flat_dt")]
        : [];

    /// <summary>What a container's node has as its image: the bytes in the node, or, where images lie behind the tree, those
    /// there.</summary>
    /// <param name="image">The image's node.</param>
    /// <param name="file">The whole file, of which the tree is the beginning.</param>
    /// <returns>Null when the node says nowhere where they are, or wrongly.</returns>
    public static ReadOnlyMemory<byte>? Data(DeviceTreeNode image, ReadOnlyMemory<byte> file)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (image.Property("data") is { } data)
            return data.Value;
        if (image.U32("data-size") is not { } size)
            return null;
        // "data-position" counts from the file's beginning, "data-offset" from the tree's end, rounded up to a cell.
        var start = image.U32("data-position") is { } position ? position
            : image.U32("data-offset") is { } offset ? offset + ((ulong)image.Tree.Size + 3 & ~3UL)
            : ulong.MaxValue;
        return start <= (ulong)file.Length && size <= (ulong)file.Length - start ? file.Slice((int)start, (int)size) : null;
    }
}
