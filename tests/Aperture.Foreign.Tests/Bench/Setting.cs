using Aperture.Core.Memory;
using Aperture.Dma;

namespace Aperture.Foreign.Tests.Bench;

/// <summary>A machine that a driver runs on.</summary>
internal sealed record Setting(Ways Way, CacheMaintenance Maintenance, CpuCacheOptions? Caches)
{
    private static readonly CpuCacheOptions[] s_models = [new(), new() { ChaosSeed = 7, ChaosLines = 8 }];

    public bool IsSnooping => (Way & Ways.Snooping) != 0;

    /// <summary>All that differ for a way: maintenance is something only where a device that does not snoop meets modelled caches, and
    /// those refuse the kind for cores that do not speculate.</summary>
    public static IEnumerable<Setting> Of(Ways way)
    {
        yield return new(way, CacheMaintenance.Arm64, null);
        if ((way & Ways.Snooping) == 0)
            yield return new(way, CacheMaintenance.MipsInOrder, null);
        foreach (var model in s_models)
        {
            yield return new(way, CacheMaintenance.Arm64, model);
            if ((way & Ways.Snooping) != 0)
                continue;
            yield return new(way, CacheMaintenance.Armv7, model);
            yield return new(way, CacheMaintenance.Mips, model);
        }
    }

    public override string ToString() =>
        $"{Way}, {Maintenance}, {(Caches is null ? "no caches" : Caches.ChaosSeed is null ? "caches" : "chaos")}";
}
