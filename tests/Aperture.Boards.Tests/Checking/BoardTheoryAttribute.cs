namespace Aperture.Boards.Tests.Checking;

/// <summary>A theory over real boards' trees; skipped where they are not found.</summary>
public sealed class BoardTheoryAttribute : TheoryAttribute
{
    public BoardTheoryAttribute()
    {
        if (BoardFiles.Directory is null)
            Skip = "No boards: set APERTURE_BOARDS to a directory of .dtb files.";
    }
}
