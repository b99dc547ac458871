using Aperture.Dma;
using Xunit.Abstractions;

namespace Aperture.Tests.Dma;

/// <summary>Without the sanitizer: whoever forgets a sync sees wrong bytes, as on a board, wherever a sync has something to do.</summary>
public sealed class ForgottenSyncTests(ITestOutputHelper output)
{
    private const int Bytes = 64 << 10; // so many lines that chaos cannot mend them all by chance

    /// <summary>Which sync is forgotten.</summary>
    public enum Forgotten
    {
        Map,    // the mapping's own, by an attribute
        Unmap,
        ForDevice,
        ForCpu,
    }

    public static TheoryData<string, DmaDirection, Forgotten, bool> Cases
    {
        get
        {
            var data = new TheoryData<string, DmaDirection, Forgotten, bool>();
            foreach (var path in (string[])["direct", "direct-snooping-chaos", "direct-noncoherent-chaos", "iommu",
                "iommu-noncoherent-chaos", "iommu-deferred-noncoherent-chaos", "bounce", "bounce-noncoherent-chaos", "restricted",
                "untrusted", "untrusted-noncoherent-chaos"])
            {
                var isCached = path.Contains("noncoherent", StringComparison.Ordinal);
                var isBounced = path.StartsWith("bounce", StringComparison.Ordinal) || path is "restricted"
                    || path.StartsWith("untrusted", StringComparison.Ordinal);
                foreach (var direction in (DmaDirection[])[DmaDirection.ToDevice, DmaDirection.FromDevice, DmaDirection.Bidirectional])
                {
                    if (direction != DmaDirection.FromDevice)
                    {
                        data.Add(path, direction, Forgotten.Map, isCached); // a bounce buffer gets its copy in any case
                        data.Add(path, direction, Forgotten.ForDevice, isCached || isBounced);
                    }

                    if (direction != DmaDirection.ToDevice)
                    {
                        data.Add(path, direction, Forgotten.Unmap, isCached || isBounced);
                        data.Add(path, direction, Forgotten.ForCpu, isCached || isBounced);
                    }
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Whoever_forgets_sees_wrong_bytes_where_it_matters_and_who_does_not_never(string path, DmaDirection direction,
        Forgotten what, bool matters)
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        using var rig = DmaRig.Make(path, chaos: seed);
        Assert.Equal(0, Wrong(rig, direction, what, forgets: false, seed));
        var wrong = Wrong(rig, direction, what, forgets: true, seed);
        output.WriteLine($"{wrong} of {Bytes} bytes are wrong");
        Assert.Equal(matters, wrong > 0);
    }

    /// <summary>One exchange of bytes.</summary>
    /// <returns>How many arrived wrong.</returns>
    private static int Wrong(DmaRig rig, DmaDirection direction, Forgotten what, bool forgets, int seed)
    {
        var memory = rig.Memory.Allocate(Bytes + 1).Slice(0, Bytes); // unlike whole pages: an untrusted device's has to bounce
        if (rig.Name.StartsWith("untrusted", StringComparison.Ordinal))
            memory = memory.Slice(64, Bytes - 128);
        var sent = new byte[memory.Length];
        new Random(seed).NextBytes(sent);
        if (what == Forgotten.Map)
            sent.CopyTo(memory.Span);
        var mapping = rig.Dma.Map(memory, direction, forgets && what == Forgotten.Map ? DmaAttributes.SkipCpuSync : DmaAttributes.None);
        var seen = new byte[memory.Length];
        switch (what)
        {
            case Forgotten.ForDevice:
                mapping.SyncForCpu();
                sent.CopyTo(memory.Span);
                if (!forgets)
                    mapping.SyncForDevice();
                rig.Read(mapping.Address, seen);
                break;
            case Forgotten.Map:
                rig.Read(mapping.Address, seen);
                break;
            case Forgotten.ForCpu:
                rig.Write(mapping.Address, sent);
                if (!forgets)
                    mapping.SyncForCpu();
                memory.Span.CopyTo(seen);
                break;
            default:
                rig.Write(mapping.Address, sent);
                mapping.Unmap(forgets ? DmaAttributes.SkipCpuSync : DmaAttributes.None);
                memory.Span.CopyTo(seen);
                break;
        }

        if (what != Forgotten.Unmap)
            mapping.Dispose();
        var wrong = 0;
        for (var i = 0; i < sent.Length; i++)
            wrong += sent[i] != seen[i] ? 1 : 0;
        return wrong;
    }
}
