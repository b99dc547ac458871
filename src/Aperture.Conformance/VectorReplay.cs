using Aperture.Conformance.Drivers;
using Aperture.Conformance.Models;
using Aperture.Conformance.Tables;
using Aperture.Conformance.Vectors;

namespace Aperture.Conformance;

/// <summary>Replays vector files against the models, drivers and tables of the families that it is given. Each file is replayed by the
/// family that has its recorded driver's name; nothing is kept from one file to the next.</summary>
/// <param name="units">Families of units; ours come with the kinds of <c>Aperture.Boards</c>. Where two have one name the first is
/// taken.</param>
/// <param name="tables">Families of page-table libraries; ours (<see cref="TableFamilies.All"/>) where null.</param>
public sealed class VectorReplay(IEnumerable<DriverFamily> units, IEnumerable<TableFamily>? tables = null)
{
    private readonly DriverFamily[] _units = [.. units];
    private readonly TableFamily[] _tables = [.. tables ?? TableFamilies.All];

    /// <summary>Replays a file in every way that its family has.</summary>
    /// <param name="path">The file.</param>
    /// <returns>What held and what did not; <see cref="FileResult.Skipped"/> where no family has the recorded driver's name.</returns>
    /// <exception cref="VectorException">The file cannot be read or does not follow the format.</exception>
    public FileResult Run(string path) => Run(VectorFile.Load(path));

    /// <summary>Replays a file in every way that its family has.</summary>
    /// <param name="file">The file.</param>
    /// <returns>What held and what did not; <see cref="FileResult.Skipped"/> where no family has the recorded driver's name.</returns>
    /// <exception cref="VectorException">The file does not follow the format.</exception>
    public FileResult Run(VectorFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (Array.Find(_tables, family => family.Driver == file.Driver) is { } library)
            return new FileResult(file.Path) { Tables = TableReplay.Run(file, library, out var rules), Deviations = rules };
        if (Array.Find(_units, family => family.Models.Driver == file.Driver) is not { } unit)
            return new FileResult(file.Path) { Skipped = $"family {file.Driver} is not modelled yet" };
        return new FileResult(file.Path)
        {
            Model = ModelReplay.Run(file, unit.Models),
            Driver = DriverReplay.Run(file, unit, out var deviations),
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
