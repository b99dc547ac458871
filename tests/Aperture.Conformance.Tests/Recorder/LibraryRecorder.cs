using System.Numerics;
using System.Text.Json.Nodes;

namespace Aperture.Conformance.Tests.Recorder;

/// <summary>Records calls of a page-table library, by itself or through the generic layer that cuts ranges into pages.</summary>
/// <param name="memory">The tables.</param>
/// <param name="oracle">The library.</param>
internal sealed class LibraryRecorder(RecorderMemory memory, TableOracle oracle)
{
    private readonly ulong _smallest = oracle.PageSizes & (~oracle.PageSizes + 1);

    public static string Meta(string driver, int wordBits, ulong ramBase) =>
        $$"""{"e":"meta","driver":"{{driver}}","scenario":"made","longBits":64,"tableWordBits":{{wordBits}},"ramBase":"0x{{ramBase:x}}"}""";

    /// <summary>Makes the tables.</summary>
    /// <param name="settings">What is asked for.</param>
    public void Allocate(JsonObject settings)
    {
        var at = memory.Lines.Count;
        foreach (var (name, value) in oracle.Allocate())
            settings[name] = value!.DeepClone();
        memory.Lines.Insert(at, Line("alloc_pgtable", settings));
    }

    public int Map(ulong iova, ulong pa, ulong size, string prot)
    {
        var at = memory.Lines.Count;
        var (status, done) = (0, 0UL);
        if (((iova | pa | size) & (_smallest - 1)) != 0)
            status = -22;
        while (status == 0 && done < size)
        {
            var (page, count) = Page(iova + done, pa + done, size - done);
            status = oracle.Map(iova + done, pa + done, page, count, prot, out var mapped);
            done += mapped;
        }

        if (status != 0 && done != 0)
            UnmapRange(iova, done);
        memory.Lines.Insert(
            at,
            Line(
                "map",
                new() { ["dom"] = "A", ["iova"] = Hex(iova), ["pa"] = Hex(pa), ["size"] = size, ["prot"] = prot, ["ret"] = status }));
        memory.WriteChanges();
        return status;
    }

    public ulong Unmap(ulong iova, ulong size)
    {
        var at = memory.Lines.Count;
        var removed = ((iova | size) & (_smallest - 1)) == 0 ? UnmapRange(iova, size) : 0;
        memory.Lines.Insert(at, Line("unmap", new() { ["dom"] = "A", ["iova"] = Hex(iova), ["size"] = size, ["ret"] = removed }));
        memory.WriteChanges();
        return removed;
    }

    public void MapPages(ulong iova, ulong pa, ulong pageSize, int count, string prot)
    {
        var at = memory.Lines.Count;
        var status = oracle.Map(iova, pa, pageSize, count, prot, out var mapped);
        memory.Lines.Insert(at, Line("map_pages", new()
        {
            ["dom"] = "A",
            ["iova"] = Hex(iova),
            ["pa"] = Hex(pa),
            ["pgsize"] = pageSize,
            ["pgcount"] = count,
            ["prot"] = prot,
            ["ret"] = status,
            ["mapped"] = mapped,
        }));
        memory.WriteChanges();
    }

    public void UnmapPages(ulong iova, ulong pageSize, int count)
    {
        var at = memory.Lines.Count;
        var removed = oracle.Unmap(iova, pageSize, count);
        memory.Lines.Insert(
            at,
            Line(
                "unmap_pages",
                new() { ["dom"] = "A", ["iova"] = Hex(iova), ["pgsize"] = pageSize, ["pgcount"] = count, ["ret"] = removed }));
        memory.WriteChanges();
    }

    /// <summary>Records where an address leads: what the library says, and what the hardware does.</summary>
    public void Find(ulong iova)
    {
        var found = oracle.Find(iova);
        memory.Lines.Add(Line("iova_to_phys", new() { ["dom"] = "A", ["iova"] = Hex(iova), ["ret"] = Hex(found?.Address ?? 0) }));
        memory.Lines.Add(found is var (address, access)
            ? $$"""{"e":"expect","dom":"A","iova":"{{Hex(iova)}}","pa":"{{Hex(address)}}","prot":"{{access}}"}"""
            : $$"""{"e":"expect","dom":"A","iova":"{{Hex(iova)}}","fault":true}""");
    }

    public void Free()
    {
        memory.Lines.Add(Line("domain_free", new() { ["dom"] = "A" }));
        oracle.Free();
    }

    private ulong UnmapRange(ulong iova, ulong size)
    {
        ulong done = 0;
        while (done < size)
        {
            var (page, count) = Page(iova + done, iova + done, size - done);
            var removed = oracle.Unmap(iova + done, page, count);
            if (removed == 0)
                break;
            done += removed;
        }

        return done;
    }

    /// <summary>The largest page that fits, and how many of it: up to where a larger one fits.</summary>
    private (ulong Page, int Count) Page(ulong iova, ulong pa, ulong size)
    {
        var fitting = oracle.PageSizes & (ulong.MaxValue >> (63 - BitOperations.Log2(size)));
        if ((iova | pa) != 0)
            fitting &= (2UL << BitOperations.TrailingZeroCount(iova | pa)) - 1;
        var page = 1UL << BitOperations.Log2(fitting);
        var larger = oracle.PageSizes & ~((page << 1) - 1);
        var next = larger & (~larger + 1);
        if (next != 0 && ((iova ^ pa) & (next - 1)) == 0)
        {
            var offset = next - ((iova | pa) & (next - 1));
            if (offset + next <= size)
                size = offset;
        }

        return (page, (int)Math.Min(size / page, int.MaxValue));
    }

    private static string Hex(ulong value) => $"0x{value:x}";

    private static string Line(string call, JsonObject members)
    {
        var line = new JsonObject { ["e"] = "api", ["call"] = call };
        foreach (var (name, value) in members)
            line[name] = value?.DeepClone();
        return line.ToJsonString();
    }
}
