using Aperture.Tool.Conform.Drivers;
using Aperture.Tool.Conform.Models;
using Aperture.Tool.Conform.Tables;
using Aperture.Tool.Conform.Vectors;

namespace Aperture.Tool.Conform;

/// <summary>Replays files.</summary>
public static class ConformRunner
{
    /// <summary>Replays a file in every way that its family has.</summary>
    /// <exception cref="VectorException">The file cannot be read or does not follow the format.</exception>
    public static FileResult Run(string path) => Run(VectorFile.Load(path));

    /// <summary>Replays a file in every way that its family has.</summary>
    /// <exception cref="VectorException">The file does not follow the format.</exception>
    public static FileResult Run(VectorFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (Families.FindTables(file.Driver) is { } library)
            return new FileResult(file.Path) { Tables = TableReplay.Run(file, library, out var rules), Deviations = rules };
        if (Families.Find(file.Driver) is not { } family)
            return new FileResult(file.Path) { Skipped = $"family {file.Driver} is not modelled yet" };
        return new FileResult(file.Path)
        {
            Model = ModelReplay.Run(file, family.Models),
            Driver = DriverReplay.Run(file, family, out var deviations),
            Deviations = deviations,
        };
    }

    /// <summary>The files that paths name: a file is itself, a directory all <c>.jsonl</c> files below it, by name.</summary>
    /// <exception cref="VectorException">A path names nothing, or a directory without such files.</exception>
    public static IReadOnlyList<string> Expand(IEnumerable<string> paths)
    {
        ArgumentNullException.ThrowIfNull(paths);
        var files = new List<string>();
        foreach (var path in paths)
        {
            if (File.Exists(path))
            {
                files.Add(path);
                continue;
            }

            if (!Directory.Exists(path))
                throw new VectorException(path, 0, "there is no such file or directory");
            var found = Directory.EnumerateFiles(path, "*.jsonl", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToArray();
            if (found.Length == 0)
                throw new VectorException(path, 0, "there is no .jsonl file below this directory");
            files.AddRange(found);
        }

        return files;
    }
}
