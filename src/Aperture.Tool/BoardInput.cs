using System.CommandLine;
using System.CommandLine.Parsing;
using Aperture.Core;
using Aperture.DeviceTrees;

namespace Aperture.Tool;

/// <summary>A board as a command line gives it: a tree, and overlays on top.</summary>
/// <param name="Name">What the tree was called.</param>
/// <param name="Tree">The tree with its overlays.</param>
internal sealed record BoardInput(string Name, OverlaidTree Tree)
{
    /// <summary>What to say of arguments that name trees.</summary>
    public const string Forms = "a flattened device tree (also compressed with gzip; FILE#TREE for one inside a FIT image or behind a "
        + "kernel), - for "
        + "the standard input, or the name of a board inside the tool";

    /// <summary>The option for overlays.</summary>
    public static Option<string[]> OverlayOption() => new("--overlay")
    {
        Description = "Put overlays (.dtbo) onto the tree, in their order. The tree must have labels (dtc -@) if they refer to any.",
        HelpName = "A.dtbo...",
        AllowMultipleArgumentsPerToken = true,
    };

    /// <summary>Refuses what looks like an option where a file is asked for.</summary>
    public static void RefuseOptions(ArgumentResult result)
    {
        foreach (var token in result.Tokens)
        {
            if (token.Value.Length > 1 && token.Value[0] == '-' && !File.Exists(token.Value))
                result.AddError($"There is no option '{token.Value}' here.");
        }
    }

    /// <summary>Reads a board and its overlays.</summary>
    /// <exception cref="ApertureException">A file is none, or an overlay does not fit.</exception>
    public static BoardInput Read(string? board, IEnumerable<string> overlays)
    {
        var tree = BoardFile.Read(board);
        var name = board ?? BoardFile.Default;
        if (tree.IsOverlay)
        {
            throw new ApertureException(
                Status.InvalidArgument, $"{name}: this is an overlay: give the board's tree as well (BASE.dtb --overlay {name})");
        }

        return new BoardInput(name, OverlaidTree.Apply(tree, overlays.Select(file => (file, BoardFile.Read(file)))));
    }
}
