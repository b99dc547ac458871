using System.Numerics;
using System.Text.Json.Nodes;

namespace Aperture.Conformance.Tests.Recorder;

/// <summary>The library of AMD v1 tables.</summary>
internal sealed class AmdOracle(RecorderMemory memory, int levels) : TableOracle(memory)
{
    private const ulong Address = 0x000F_FFFF_FFFF_F000;
    private ulong _root;
    private int _levels = levels;

    public override ulong PageSizes => 0xF_FF7F_FFFF_F000;

    public override JsonObject Allocate()
    {
        _root = Memory.Allocate(4096, 4096);
        return new JsonObject { ["pgsizes"] = $"0x{PageSizes:x}", ["root"] = $"0x{_root:x}", ["levels"] = _levels };
    }

    public override int Map(ulong iova, ulong pa, ulong pageSize, int count, string prot, out ulong mapped)
    {
        mapped = 0;
        if (!Reads(prot) && !Writes(prot))
            return -22;
        for (var i = 0; i < count; i++, mapped += pageSize)
            MapPage(iova + mapped, pa + mapped, pageSize, prot);
        return 0;
    }

    public override ulong Unmap(ulong iova, ulong pageSize, int count)
    {
        ulong removed = 0;
        while (removed < pageSize * (ulong)count && Entry(iova) is var (at, size, _))
        {
            for (ulong i = 0; i < Replicas(size); i++)
                Memory[at + (8 * i)] = 0;
            removed += size;
            iova = (iova & ~(size - 1)) + size;
        }

        return removed;
    }

    public override (ulong Address, string Access)? Find(ulong iova)
    {
        if (Entry(iova) is not var (_, size, entry) || entry == 0)
            return null;
        return ((entry & Address & ~(size - 1)) | (iova & (size - 1)), Access((entry & (1UL << 61)) != 0, (entry & (1UL << 62)) != 0));
    }

    private void MapPage(ulong iova, ulong pa, ulong size, string prot)
    {
        var level = (BitOperations.Log2(size) - 12) / 9;
        while (_levels <= level || (_levels < 6 && iova >> (12 + (9 * _levels)) != 0))
        {
            var root = Memory.Allocate(4096, 4096);
            Memory[root] = Link(_root, _levels);
            (_root, _levels) = (root, _levels + 1);
            Memory.Lines.Add($$"""{"e":"root","pa":"0x{{_root:x}}","levels":{{_levels}}}""");
        }

        var table = _root;
        for (var at = _levels - 1; at > level; at--)
        {
            var entry = table + (8 * Index(iova, at));
            if (Next(Memory[entry]) is 0 or 7)
            {
                if (Next(Memory[entry]) == 7)
                    Clear(entry, at);
                Memory[entry] = Link(Memory.Allocate(4096, 4096), at);
            }

            table = Memory[entry] & Address;
        }

        var first = table + (8 * Index(iova, level));
        for (var i = Replicas(size); i-- > 0;)
        {
            FreeBelow(Memory[first + (8 * i)], level);
            Memory[first + (8 * i)] = Leaf(pa, size, prot);
        }
    }

    /// <summary>Clears all entries of the large page that an entry is of.</summary>
    private void Clear(ulong entry, int level)
    {
        var size = SizeOf(Memory[entry], level);
        var first = entry & ~((Replicas(size) * 8) - 1);
        for (ulong i = 0; i < Replicas(size); i++)
            Memory[first + (8 * i)] = 0;
    }

    private void FreeBelow(ulong entry, int level)
    {
        if (Next(entry) is 0 or 7)
            return;
        for (ulong i = 0; i < 512; i++)
            FreeBelow(Memory[(entry & Address) + (8 * i)], level - 1);
        Memory.Free(entry & Address);
    }

    /// <summary>The first entry of the page at an address and its size; null where a table is missing.</summary>
    private (ulong At, ulong Size, ulong Word)? Entry(ulong iova)
    {
        if (_levels < 6 && iova >> (12 + (9 * _levels)) != 0)
            return null;
        var table = _root;
        for (var level = _levels - 1; ; level--)
        {
            var at = table + (8 * Index(iova, level));
            var word = Memory[at];
            if (level == 0 || (word != 0 && Next(word) is 0 or 7))
            {
                var size = SizeOf(word, level);
                return (at & ~((Replicas(size) * 8) - 1), size, word);
            }

            if (word == 0)
                return null;
            table = word & Address;
        }
    }

    private static ulong SizeOf(ulong entry, int level) =>
        Next(entry) == 7 ? 1UL << (1 + BitOperations.TrailingZeroCount(~((entry & Address) | 0xFFF))) : 1UL << (12 + (9 * level));

    private static ulong Replicas(ulong size) => 1UL << ((BitOperations.Log2(size) - 12) % 9);

    private static int Next(ulong entry) => (int)(entry >> 9) & 7;

    private static ulong Index(ulong iova, int level) => iova >> (12 + (9 * level)) & 511;

    private static ulong Link(ulong table, int levels) => table | (ulong)levels << 9 | 3UL << 61 | 1;

    private static ulong Leaf(ulong pa, ulong size, string prot)
    {
        var rights = 1 | 1UL << 60 | (Reads(prot) ? 1UL << 61 : 0) | (Writes(prot) ? 1UL << 62 : 0);
        return Replicas(size) == 1 ? pa | rights : ((pa | (size - 1)) & ~(size >> 1) & Address) | 7 << 9 | rights;
    }
}
