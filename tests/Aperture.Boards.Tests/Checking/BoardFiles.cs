namespace Aperture.Boards.Tests.Checking;

/// <summary>The device trees of real boards, which are not ours to ship: in the directory that APERTURE_BOARDS names, or where
/// tests/boards/fetch puts them.</summary>
internal static class BoardFiles
{
    private static readonly string s_repository = FindRepository();

    /// <summary>The directory of the real boards; null when there is none.</summary>
    public static string? Directory { get; } = FindDirectory();

    /// <summary>The repository's own trees.</summary>
    public static string Own => Path.Combine(s_repository, "boards");

    /// <summary>The names of the blobs in a directory, for a theory; never empty.</summary>
    public static TheoryData<string> Names(string? directory) =>
        directory is null
            ? ["none"]
            :
            [
                .. System.IO.Directory.GetFiles(directory, "*.dtb")
                    .Select(f => Path.GetFileNameWithoutExtension(f)!)
                    .Order(StringComparer.Ordinal),
            ];

    private static string? FindDirectory()
    {
        var named = Environment.GetEnvironmentVariable("APERTURE_BOARDS");
        var path = string.IsNullOrEmpty(named) ? Path.Combine(s_repository, "artifacts", "boards") : named;
        return System.IO.Directory.Exists(path) ? path : null;
    }

    private static string FindRepository()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Aperture.slnx")))
            directory = directory.Parent;
        return directory?.FullName ?? ".";
    }
}
