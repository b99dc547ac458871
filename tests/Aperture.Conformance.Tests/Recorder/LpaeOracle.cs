using System.Numerics;
using System.Text.Json.Nodes;

namespace Aperture.Conformance.Tests.Recorder;

/// <summary>The library of ARM long descriptors.</summary>
internal sealed class LpaeOracle : TableOracle
{
    private readonly string _format;
    private readonly string[] _quirks;
    private readonly bool _isCoherent;
    private readonly int _ias;
    private readonly int _oas;
    private readonly int _bits;     // of an index
    private readonly int _start;    // the first level
    private readonly int _rootBits;
    private ulong _root;

    public LpaeOracle(RecorderMemory memory, string format, int ias, int oas, ulong pageSizes, string[] quirks, bool coherent)
        : base(memory)
    {
        (_format, _quirks, _isCoherent) = (format, quirks, coherent);
        var granule = pageSizes & (~pageSizes + 1);
        var most = granule == 1 << 16 ? 52 : 48;
        (_ias, _oas) = (Math.Min(ias, most), Math.Min(oas, most));
        PageSizes = pageSizes;
        _bits = BitOperations.Log2(granule) - 3;
        var wide = _ias - _bits - 3;
        var levels = (wide + _bits - 1) / _bits;
        _start = 4 - levels;
        _rootBits = wide - (_bits * (levels - 1));
        if (format.EndsWith("-s2", StringComparison.Ordinal) && _start == 0 && _rootBits <= 4)
            (_start, _rootBits) = (1, _rootBits + _bits);
        if (IsMali) // walks begin at level 0, however few entries of the root are in use
            (_start, _rootBits) = (0, Math.Max(0, wide - (_bits * 3)));
    }

    public override ulong PageSizes { get; }

    private bool IsStage1 => _format.EndsWith("-s1", StringComparison.Ordinal);

    private bool IsMali => _format == "mali-lpae";

    private int Granule => 8 << _bits;

    public override JsonObject Allocate()
    {
        var bytes = Math.Max(4096, 8 << _rootBits);
        _root = Memory.Allocate(bytes, bytes);
        var result = new JsonObject
        {
            ["ok"] = true,
            ["pgsizes"] = $"0x{PageSizes:x}",
            ["startLevel"] = _start,
            ["bitsPerLevel"] = _bits,
            ["rootEntries"] = 1 << _rootBits,
        };
        if (IsMali)
        {
            result["transtab"] = $"0x{_root | 7 | (_isCoherent ? 16u : 0):x}";
            result["memattr"] = "0x888d88";
            return result;
        }

        var isUpper = _quirks.Contains("TTBR1");
        var size = Array.IndexOf([32, 36, 40, 42, 44, 48, 52], _oas);
        var granule = Granule switch { 4096 => isUpper ? 2 : 0, 16384 => isUpper ? 1 : 2, _ => isUpper ? 3 : 1 };
        var control = new JsonObject
        {
            [IsStage1 ? "ips" : "ps"] = size,
            ["tg"] = granule,
            ["sh"] = _isCoherent ? 3 : 2,
            ["orgn"] = _isCoherent || _quirks.Contains("OUTER_WBWA") ? 1 : 0,
            ["irgn"] = _isCoherent ? 1 : 0,
            ["tsz"] = 64 - _ias,
        };
        if (IsStage1)
            result["mair"] = "0xfffffffff404ff44";
        else
            control["sl"] = Granule == 4096 ? 2 - _start : 3 - _start;
        result[IsStage1 ? "ttbr" : "vttbr"] = $"0x{_root:x}";
        result[IsStage1 ? "tcr" : "vtcr"] = control;
        return result;
    }

    public override int Map(ulong iova, ulong pa, ulong pageSize, int count, string prot, out ulong mapped)
    {
        mapped = 0;
        if (!BitOperations.IsPow2(pageSize) || (PageSizes & pageSize) == 0)
            return -22;
        if (!IsInside(iova) || pa >> _oas != 0)
            return -34;
        if (!Reads(prot) && !Writes(prot))
            return -22;
        var table = _root;
        for (var level = _start; ; level++)
        {
            var (at, index) = Entry(table, level, iova);
            if (1UL << Shift(level) == pageSize)
                return MapEntries(at, Math.Min(count, Left(index)), level, pa, prot, out mapped);
            if (IsLeaf(Memory[at], level))
                return -17;
            if (Memory[at] == 0)
                Memory[at] = Link(Memory.Allocate(Granule, Granule));
            table = Target(Memory[at]);
        }
    }

    public override ulong Unmap(ulong iova, ulong pageSize, int count)
    {
        if (!BitOperations.IsPow2(pageSize) || (PageSizes & pageSize) == 0 || !IsInside(iova) || count == 0)
            return 0;
        var table = _root;
        for (var level = _start; level < 4; level++)
        {
            var (at, index) = Entry(table, level, iova);
            if (Memory[at] == 0)
                return 0;
            if (1UL << Shift(level) == pageSize)
                return Clear(at, Math.Min(count, Left(index)), level) * pageSize;
            if (IsLeaf(Memory[at], level))
                Split(at, level);
            table = Target(Memory[at]);
        }

        throw new InvalidOperationException("there is a level for each page size");
    }

    public override (ulong Address, string Access)? Find(ulong iova)
    {
        if (!IsInside(iova))
            return null;
        var table = _root;
        for (var level = _start; ; level++)
        {
            var entry = Memory[Entry(table, level, iova).Address];
            if (entry == 0)
                return null;
            if (IsLeaf(entry, level))
                return (Output(entry) | (iova & ((1UL << Shift(level)) - 1)), AccessOf(entry));
            table = Target(entry);
        }
    }

    private int MapEntries(ulong at, int count, int level, ulong pa, string prot, out ulong mapped)
    {
        mapped = 0;
        for (var i = 0; i < count; i++)
        {
            var entry = Memory[at + (8 * (ulong)i)];
            if (IsLeaf(entry, level))
                return -17;
            if (entry != 0)
                Clear(at + (8 * (ulong)i), 1, level);
        }

        for (var i = 0; i < count; i++, mapped += 1UL << Shift(level))
            Memory[at + (8 * (ulong)i)] = Leaf(level, pa + mapped, Attributes(prot));
        return 0;
    }

    /// <summary>Clears entries up to the first that is empty, with what is below them.</summary>
    private ulong Clear(ulong at, int count, int level)
    {
        var cleared = 0UL;
        for (; cleared < (ulong)count && Memory[at + (8 * cleared)] is not 0 and var entry; cleared++)
        {
            if (!IsLeaf(entry, level))
                FreeTable(Target(entry), level + 1);
            Memory[at + (8 * cleared)] = 0;
        }

        return cleared;
    }

    private void FreeTable(ulong table, int level)
    {
        for (var i = 0; i < 1 << _bits; i++)
        {
            if (Memory[table + (8 * (ulong)i)] is not 0 and var entry && !IsLeaf(entry, level))
                FreeTable(Target(entry), level + 1);
        }

        Memory.Free(table);
    }

    private void Split(ulong at, int level)
    {
        var block = Memory[at];
        var table = Memory.Allocate(Granule, Granule);
        for (var i = 0; i < 1 << _bits; i++)
            Memory[table + (8 * (ulong)i)] = Leaf(level + 1, Output(block) + ((ulong)i << Shift(level + 1)), block & 0x0068_0000_0000_0FFC);
        Memory[at] = Link(table);
    }

    private int Left(int index) => (1 << _bits) - (index & ((1 << _bits) - 1));

    private bool IsInside(ulong iova) => (_quirks.Contains("TTBR1") ? ~iova : iova) >> _ias == 0;

    private int Shift(int level) => ((4 - level) * _bits) + 3;

    private (ulong Address, int Index) Entry(ulong table, int level, ulong iova)
    {
        var index = (int)(iova >> Shift(level)) & ((1 << (level == _start ? _rootBits : _bits)) - 1);
        return (table + (8 * (ulong)index), index);
    }

    private static bool IsLeaf(ulong entry, int level) => level == 3 ? entry != 0 : (entry & 3) == 1;

    private ulong Link(ulong table) => Pack(table) | 3 | (_quirks.Contains("NS") ? 1UL << 63 : 0) | (_isCoherent ? 0 : 1UL << 55);

    private ulong Leaf(int level, ulong pa, ulong attributes) => Pack(pa) | attributes | (level == 3 && !IsMali ? 3u : 1u);

    private ulong Target(ulong entry) => Output(entry);

    private ulong Output(ulong entry) =>
        Granule == 1 << 16 ? (entry & 0x0000_FFFF_FFFF_0000) | (entry & 0xF000) << 36 : entry & 0x0000_FFFF_FFFF_F000;

    private static ulong Pack(ulong pa) => (pa | pa >> 36) & 0x0000_FFFF_FFFF_F000;

    private ulong Attributes(string prot)
    {
        ulong bits = IsMali ? 0u : 1 << 10;
        bits |= (Has(prot, "cache") && !IsMali ? 3UL : 2) << 8;
        if (Has(prot, "noexec"))
            bits |= 3UL << 53;
        if (_quirks.Contains("NS"))
            bits |= 1 << 5;
        if (!IsStage1)
        {
            bits |= (Reads(prot) ? 1u << 6 : 0) | (Writes(prot) ? 1u << 7 : 0);
            return bits | (IsMali ? Index(prot) : Has(prot, "mmio") ? 1u : Has(prot, "cache") ? 15u : 5u) << 2;
        }

        bits |= 1 << 11 | Index(prot) << 2 | (Has(prot, "priv") ? 0 : 1u << 6);
        return bits | (!Writes(prot) ? 1u << 7 : _quirks.Contains("HD") ? 1UL << 51 : 0);
    }

    private static uint Index(string prot) => Has(prot, "mmio") ? 2u : Has(prot, "cache") ? 1u : 0;

    private string AccessOf(ulong entry)
    {
        if (!IsStage1)
            return Access((entry & (1 << 6)) != 0, (entry & (1 << 7)) != 0);
        return Access(true, (entry & (1 << 7)) == 0 || (_quirks.Contains("HD") && (entry & (1UL << 51)) != 0));
    }
}
