using System.Text.Json.Nodes;

namespace Aperture.Conformance.Tests.Recorder;

/// <summary>The library of ARM short descriptors.</summary>
internal sealed class ShortOracle(
    RecorderMemory memory, int ias, int oas, ulong pageSizes, string[] quirks, bool coherent) : TableOracle(memory)
{
    private const int Pages = 256; // of a second-level table
    private ulong _root;

    public override ulong PageSizes => pageSizes;

    private bool HasPermissions => !quirks.Contains("NO_PERMS");

    private bool IsMediaTek => quirks.Contains("MTK_EXT");

    public override JsonObject Allocate()
    {
        var bytes = 4 << (ias - 20);
        _root = Memory.Allocate(bytes, bytes);
        var low = IsMediaTek ? _root >> 32 : coherent ? 0x6Au : 2u;
        return new JsonObject
        {
            ["ok"] = true,
            ["pgsizes"] = $"0x{pageSizes:x}",
            ["ttbr"] = $"0x{(uint)_root | low:x}",
            ["tcr"] = "0x0",
            ["prrr"] = "0x800b8204",
            ["nmrr"] = "0x40004000",
        };
    }

    public override int Map(ulong iova, ulong pa, ulong pageSize, int count, string prot, out ulong mapped)
    {
        mapped = 0;
        if (iova >> ias != 0 || pa >> oas != 0)
            return -34;
        if (!Reads(prot) && !Writes(prot))
            return -22;
        for (var i = 0; i < count; i++, mapped += pageSize)
        {
            if (MapPage(iova + mapped, pa + mapped, pageSize, prot) is < 0 and var error)
                return error;
        }

        return 0;
    }

    public override ulong Unmap(ulong iova, ulong pageSize, int count)
    {
        if (iova >> ias != 0)
            return 0;
        ulong removed = 0;
        while (count-- > 0 && UnmapPage(iova + removed, pageSize))
            removed += pageSize;
        return removed;
    }

    public override (ulong Address, string Access)? Find(ulong iova)
    {
        if (iova >> ias != 0)
            return null;
        var section = Memory[Section(iova)];
        if (section == 0)
            return null;
        if (!IsLink(section))
            return (Output(
                section, IsSuper(section) ? 24 : 20) | (iova & ((IsSuper(section) ? 1u << 24 : 1u << 20) - 1)), AccessOf(section, 10));
        var page = Memory[Page(section, iova)];
        if (page == 0)
            return null;
        var isLarge = (page & 3) == 1;
        return (Output(page, isLarge ? 16 : 12) | (iova & (isLarge ? 0xFFFFu : 0xFFFu)), AccessOf(page, 4));
    }

    private int MapPage(ulong iova, ulong pa, ulong size, string prot)
    {
        var link = Section(iova);
        if (size >= 1 << 20)
        {
            for (ulong i = 0; i < size >> 20; i++)
            {
                if (IsLink(Memory[link + (4 * i)]))
                    UnmapPage(iova + (i << 20), 1 << 20);
                else if (Memory[link + (4 * i)] != 0)
                    return -17;
            }

            Fill(link, size >> 20, SectionEntry(pa, prot) | (size > 1 << 20 ? 1u << 18 : 0));
            return 0;
        }

        if (Memory[link] == 0)
            Memory[link] = Link(Memory.Allocate(1024, 1024));
        if (!IsLink(Memory[link]))
            return -17;
        var at = Page(Memory[link], iova);
        for (ulong i = 0; i < size >> 12; i++)
        {
            if (Memory[at + (4 * i)] != 0)
                return -17;
        }

        Fill(at, size >> 12, PageEntry(pa, prot, size > 4096));
        return 0;
    }

    private bool UnmapPage(ulong iova, ulong size)
    {
        var at = Section(iova);
        for (ulong i = 0; i < Math.Max(1, size >> 20); i++)
        {
            if (Memory[at + (4 * i)] == 0)
                return false;
        }

        var entry = Memory[at];
        if (IsSuper(entry) && size <= 1 << 20)
        {
            var first = at & ~63UL;
            for (ulong i = 0; i < 16; i++)
                Memory[first + (4 * i)] = (entry & ~(1UL << 18)) + (i << 20);
            entry = Memory[at];
        }

        if (size >= 1 << 20)
        {
            for (ulong i = 0; i < size >> 20; i++)
            {
                if (IsLink(Memory[at + (4 * i)]))
                    Memory.Free(Table(Memory[at + (4 * i)]));
                Memory[at + (4 * i)] = 0;
            }

            return true;
        }

        if (!IsLink(entry))
            entry = Memory[at] = SplitSection(entry, size);
        at = Page(entry, iova);
        for (ulong i = 0; i < size >> 12; i++)
        {
            if (Memory[at + (4 * i)] == 0)
                return false;
        }

        if (size == 4096 && (Memory[at] & 3) == 1)
            SplitLarge(at & ~63UL, Memory[at]);
        Fill(at, size >> 12, 0);
        return true;
    }

    /// <summary>Pages in the place of a section: with its attributes, but from address 0 on. The library's defect.</summary>
    private ulong SplitSection(ulong section, ulong size)
    {
        var table = Memory.Allocate(1024, 1024);
        var bits = section >> 10 & (HasPermissions ? 0xFFu : 0xDCu);
        var small = bits << 4 | (section & 0xC) | 2 | (HasPermissions ? section >> 4 & 1 : 0);
        for (ulong i = 0; i < Pages; i++)
            Memory[table + (4 * i)] = size == 4096 ? small | i << 12 : Large(small) | (i & ~15UL) << 12;
        return Link(table);
    }

    private void SplitLarge(ulong at, ulong large)
    {
        var small = (large & 0xFFFF_0FFC & ~0x1C0UL) | 2;
        small = (small & ~0x7000UL & 0xFFFF_0FFF) | (large >> 12 & 7) << 6 | (large >> 15 & 1);
        if (IsMediaTek)
            small = (small & ~0x230UL) | (large & 0x230);
        for (ulong i = 0; i < 16; i++)
            Memory[at + (4 * i)] = small | i << 12;
    }

    private void Fill(ulong at, ulong count, ulong word)
    {
        for (ulong i = 0; i < count; i++)
            Memory[at + (4 * i)] = word;
    }

    private ulong Section(ulong iova) => _root + (4 * (iova >> 20));

    private ulong Page(ulong link, ulong iova) => Table(link) + (4 * (iova >> 12 & (Pages - 1)));

    private static bool IsLink(ulong entry) => (entry & 3) == 1;

    private static bool IsSuper(ulong section) => (section & 3) == 2 && (section & 1 << 18) != 0;

    private ulong Table(ulong link) => (link & 0xFFFF_FC00) | (IsMediaTek && quirks.Contains("MTK_TTBR_EXT") ? High(link) : 0);

    private ulong Link(ulong table) =>
        (uint)table | 1 | (quirks.Contains("NS") ? 8u : 0) | (quirks.Contains("MTK_TTBR_EXT") ? HighBits(table) : 0);

    private ulong Output(ulong entry, int shift) => (entry & 0xFFFF_FFFF & (ulong.MaxValue << shift)) | (IsMediaTek ? High(entry) : 0);

    private static ulong High(ulong entry) => (entry >> 9 & 1) << 32 | (entry >> 4 & 1) << 33 | (entry >> 5 & 1) << 34;

    private static ulong HighBits(ulong pa) => (pa >> 32 & 1) << 9 | (pa >> 33 & 1) << 4 | (pa >> 34 & 1) << 5;

    private ulong SectionEntry(ulong pa, string prot) =>
        (uint)pa | 2 | Attributes(prot) << 10 | Cache(prot) | (HasPermissions && Has(prot, "noexec") ? 1u << 4 : 0) | (quirks.Contains(
            "NS") ? 1u << 19 : 0) | (IsMediaTek ? HighBits(pa) : 0);

    private ulong PageEntry(ulong pa, string prot, bool large)
    {
        var small = 2 | Attributes(prot) << 4 | Cache(prot) | (HasPermissions && Has(prot, "noexec") ? 1u : 0);
        return (uint)pa | (large ? Large(small) : small) | (IsMediaTek ? HighBits(pa) : 0);
    }

    /// <summary>The attributes of a small page in the places of a large one.</summary>
    private static ulong Large(ulong small) => (small & ~0x1C3UL) | (small & 1) << 15 | (small >> 6 & 7) << 12 | 1;

    private ulong Attributes(string prot)
    {
        var bits = 0xC0u | (Has(prot, "mmio") ? 0 : 1u << 2);
        return HasPermissions ? bits | 1 | (Has(prot, "priv") ? 0 : 2u) | (Writes(prot) ? 0 : 1u << 5) : bits;
    }

    private static ulong Cache(string prot) => Has(prot, "mmio") ? 4u : Has(prot, "cache") ? 12u : 0;

    private string AccessOf(ulong entry, int shift) => Access(true, !HasPermissions || (entry >> shift & (1 << 5)) == 0);
}
