namespace Aperture.Tests.DeviceTrees;

/// <summary>The device trees of real boards, which are not ours to ship: in the directory that APERTURE_BOARDS names, or where
/// tests/boards/fetch puts them.</summary>
internal static class BoardFiles
{
    /// <summary>The directory; null when there is none.</summary>
    public static string? Directory { get; } = FindDirectory();

    /// <summary>Reads one of the real boards' blobs.</summary>
    public static byte[] Read(string name) => File.ReadAllBytes(Path.Combine(Directory!, name + ".dtb"));

    private static string? FindDirectory()
    {
        var named = Environment.GetEnvironmentVariable("APERTURE_BOARDS");
        var path = string.IsNullOrEmpty(named) ? Path.Combine(FindRepository(), "artifacts", "boards") : named;
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
