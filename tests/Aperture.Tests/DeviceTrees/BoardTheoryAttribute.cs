namespace Aperture.Tests.DeviceTrees;

/// <summary>A theory over real boards' trees; skipped where they are not found.</summary>
public sealed class BoardTheoryAttribute : TheoryAttribute
{
    public BoardTheoryAttribute()
    {
        if (BoardFiles.Directory is null)
            Skip = "The trees of real boards are not ours to ship: tests/boards/fetch gets them from Debian's kernels.";
    }
}
