using Aperture.Boards.Units;
using Aperture.Conformance.Drivers;
using Aperture.Conformance.Vectors;

namespace Aperture.Conformance.Tests;

/// <summary>Replays against all units that are ours.</summary>
public static class Replays
{
    private static readonly VectorReplay s_all = new(UnitList.Default.Kinds.Select(kind => kind.Conformance).OfType<DriverFamily>());

    public static FileResult Run(string path) => s_all.Run(path);

    public static FileResult Run(VectorFile file) => s_all.Run(file);
}
