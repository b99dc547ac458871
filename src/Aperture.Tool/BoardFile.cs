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

    /// <summary>More than any device tree has; what is longer is something else, perhaps without end.</summary>
    private const int MaxBytes = 64 << 20;

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
            using var file = File.OpenRead(name);
            using var bytes = new MemoryStream();
            var piece = new byte[1 << 16];
            for (int count; (count = file.Read(piece)) > 0;)
            {
                bytes.Write(piece, 0, count);
                if (bytes.Length > MaxBytes)
                    throw new ApertureException(Status.InvalidArgument, $"{name}: more than {MaxBytes >> 20} MiB are no device tree");
            }

            return bytes.ToArray();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new ApertureException(Status.NotFound,
                $"'{name}' cannot be read: {e.Message} Boards inside the tool: {string.Join(", ", Embedded)}.", e);
        }
    }
}
