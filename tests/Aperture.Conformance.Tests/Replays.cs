using Aperture.Conformance.Vectors;

namespace Aperture.Conformance.Tests;

/// <summary>Replays against all units that are ours.</summary>
public static class Replays
{
    private static readonly VectorReplay s_all = new(Families.Units);

    public static FileResult Run(string path) => s_all.Run(path);

    public static FileResult Run(VectorFile file) => s_all.Run(file);
}
