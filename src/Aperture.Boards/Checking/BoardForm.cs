using Aperture.DeviceTrees;

namespace Aperture.Boards.Checking;

/// <summary>Whether a tree is one of a board at all.</summary>
internal static class BoardForm
{
    /// <summary>What a tree is that is none of a board; null for a board's.</summary>
    public static string? WhyNone(DeviceTree tree)
    {
        if (tree.IsOverlay)
            return "this is an overlay, a piece that is put onto a board's tree: give the board's tree, and this one as an overlay of it";
        var images = FitImage.Trees(tree);
        if (FitImage.Is(tree))
        {
            return images.IsEmpty
                ? "this is a FIT image without a device tree in it: give the board's tree"
                : $"this is a FIT image: give a tree that is in it ({string.Join(", ", images.Select(image => image.Name))})";
        }

        return null;
    }
}
