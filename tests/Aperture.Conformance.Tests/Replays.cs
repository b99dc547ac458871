using System.Collections.Concurrent;
using Aperture.Boards.Units;
using Aperture.Conformance.Drivers;
using Aperture.Conformance.Vectors;

namespace Aperture.Conformance.Tests;

/// <summary>Replays against all units that are ours.</summary>
public static class Replays
{
    private static readonly VectorReplay s_all = new(UnitList.Default.Kinds.Select(kind => kind.Conformance).OfType<DriverFamily>());

    // What a recording brings is the same whoever asks: each is replayed once.
    private static readonly ConcurrentDictionary<string, Lazy<FileResult>> s_results = new();

    public static FileResult Run(string path) => s_results.GetOrAdd(path, file => new Lazy<FileResult>(() => s_all.Run(file))).Value;

    public static FileResult Run(VectorFile file) => s_all.Run(file);
}
