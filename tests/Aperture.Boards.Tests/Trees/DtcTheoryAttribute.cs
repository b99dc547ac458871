namespace Aperture.Boards.Tests.Trees;

/// <summary>A theory that compiles trees: skipped where there is no device tree compiler.</summary>
internal sealed class DtcTheoryAttribute : TheoryAttribute
{
    public DtcTheoryAttribute() => Skip = Dtc.All.Count > 0 ? null : "needs dtc (package device-tree-compiler)";
}
