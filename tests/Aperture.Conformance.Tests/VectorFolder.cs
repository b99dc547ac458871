using System.Runtime.CompilerServices;

namespace Aperture.Conformance.Tests;

/// <summary>The recorded vectors in this repository.</summary>
public static class VectorFolder
{
    private static string Root([CallerFilePath] string here = "") =>
        System.IO.Path.GetFullPath(System.IO.Path.Combine(System.IO.Path.GetDirectoryName(here)!, "..", "vectors"));

    public static string Path(string file) => System.IO.Path.Combine(Root(), file);

    /// <summary>The files of the families that are modelled, as "family/file".</summary>
    public static TheoryData<string> Files => FilesOf("omap", "exynos", "tegra", "msm", "rockchip");

    /// <summary>The files of page-table libraries, as "family/file".</summary>
    public static TheoryData<string> TableFiles => FilesOf("v7s", "lpae", "amd");

    private static TheoryData<string> FilesOf(params string[] families) =>
        [.. families.SelectMany(
            family => Directory.GetFiles(Path(family), "*.jsonl").Order().Select(file => $"{family}/{System.IO.Path.GetFileName(file)}"))];
}
