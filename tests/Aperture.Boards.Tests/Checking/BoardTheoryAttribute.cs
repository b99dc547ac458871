namespace Aperture.Boards.Tests.Checking;

/// <summary>A theory over real boards' trees, or over one of them; skipped where it is not found.</summary>
public sealed class BoardTheoryAttribute : TheoryAttribute
{
    public BoardTheoryAttribute(string? board = null)
    {
        if (BoardFiles.Directory is null)
            Skip = "The trees of real boards are not ours to ship: tests/boards/fetch gets them from Debian's kernels.";
        else if (board is not null && !File.Exists(Path.Combine(BoardFiles.Directory, board + ".dtb")))
            Skip = "Debian builds no kernel for this board: its tree has to be put into APERTURE_BOARDS by hand.";
    }
}
