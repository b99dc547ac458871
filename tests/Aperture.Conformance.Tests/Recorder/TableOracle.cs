using System.Text.Json.Nodes;

namespace Aperture.Conformance.Tests.Recorder;

/// <summary>What a page-table library does, written a second time from its description: small, slow, and without ours.</summary>
/// <param name="memory">Its tables.</param>
internal abstract class TableOracle(RecorderMemory memory)
{
    protected RecorderMemory Memory => memory;

    public abstract ulong PageSizes { get; }

    /// <summary>Makes the root.</summary>
    /// <returns>The members that the call gets for a result.</returns>
    public abstract JsonObject Allocate();

    /// <returns>An error number, or 0.</returns>
    public abstract int Map(ulong iova, ulong pa, ulong pageSize, int count, string prot, out ulong mapped);

    /// <returns>Bytes removed.</returns>
    public abstract ulong Unmap(ulong iova, ulong pageSize, int count);

    /// <summary>Where an address leads and what may be done there; null for nowhere.</summary>
    public abstract (ulong Address, string Access)? Find(ulong iova);

    public void Free()
    {
        foreach (var block in memory.Blocks.Keys.ToList())
            memory.Free(block);
    }

    protected static bool Has(string prot, string flag) => prot.Split('+').Skip(1).Contains(flag);

    protected static bool Reads(string prot) => prot.Split('+')[0] is "r" or "rw";

    protected static bool Writes(string prot) => prot.Split('+')[0] is "w" or "rw";

    protected static string Access(bool reads, bool writes) =>
        (reads, writes) switch { (true, true) => "rw", (true, false) => "r", (false, true) => "w", _ => "none" };
}
