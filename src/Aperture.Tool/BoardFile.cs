using Aperture.Core;
using Aperture.DeviceTrees;

namespace Aperture.Tool;

/// <summary>Finds device trees: files, or the boards inside the tool.</summary>
internal static class BoardFile
{
    /// <summary>The board that runs when nobody names one.</summary>
    public const string Default = "exynos4412-media";

    /// <summary>The names of the boards inside the tool.</summary>
    public static IEnumerable<string> Embedded =>
        typeof(BoardFile).Assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith("boards/", StringComparison.Ordinal))
            .Select(name => Path.GetFileNameWithoutExtension(name))
            .Order(StringComparer.Ordinal);

    /// <summary>Reads a device tree.</summary>
    /// <param name="name">A file, or the name of a board inside the tool; null for the default board.</param>
    /// <exception cref="ApertureException">There is no such file, or it holds no device tree.</exception>
    public static DeviceTree Read(string? name)
    {
        try
        {
            return DeviceTree.Parse(ReadBytes(name ?? Default));
        }
        catch (DeviceTreeException e)
        {
            throw new ApertureException(e.Status, $"{name}: {e.Message}", e);
        }
    }

    private static byte[] ReadBytes(string name)
    {
        if (!File.Exists(name) && typeof(BoardFile).Assembly.GetManifestResourceStream($"boards/{name}.dtb") is { } resource)
        {
            using (resource)
            {
                var bytes = new byte[resource.Length];
                resource.ReadExactly(bytes);
                return bytes;
            }
        }

        try
        {
            return File.ReadAllBytes(name);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ApertureException(Status.NotFound, $"{name}: {e.Message} Boards inside the tool: {string.Join(", ", Embedded)}.", e);
        }
    }
}
