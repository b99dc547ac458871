using System.Numerics;
using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Iommu;
using static Aperture.Contract.ContractScene;

namespace Aperture.Contract;

/// <summary>Maps, and what masters then see.</summary>
internal static class MappingChecks
{
    public static IReadOnlyList<ContractCheck> All { get; } =
    [
        new("map-reaches", "a mapped page leads to its memory, both ways, and its neighbours nowhere", MapReaches),
        new("map-page-sizes",
            "every page size of the domain can be mapped where memory and addresses are aligned to it, and is reached to its ends",
            PageSizes),
        new("map-scattered", "pages that lie apart in memory follow each other for the device, also within one access", Scattered),
        new("map-pages", "single pages mapped by one call lead each to its memory; over anything mapped none is", MapPages),
        new("map-same-memory", "memory can be mapped at several device addresses at once", SameMemory),
        new("map-overlap", "a map over anything mapped is refused with AlreadyExists, and changes nothing", Overlap),
        new("map-nothing", "a map of no bytes succeeds and maps nothing", Nothing),
        new("map-rights", "what was mapped for reading is not written, where the unit can tell", ReadOnly),
        new("map-write-only", "what was mapped for writing is not read, where the unit can tell", WriteOnly),
        new("map-no-rights", "a map without a right is refused with InvalidArgument or lets nothing pass, where the unit can tell",
            NoRights),
        new("map-translate", "the domain tells where each mapped byte leads, and that others lead nowhere", Translate),
        new("map-many", "a thousand small mappings hold at once", Many),
    ];

    private static void MapReaches(ContractScene scene)
    {
        var domain = scene.DomainInForce();
        scene.IsRefused(scene.Master, scene.Base + Page);
        scene.Map(domain, scene.Base + Page, 3 * Page);
        scene.Reaches(scene.Master, scene.Base + Page, 3 * Page);
        scene.Reaches(scene.Master, scene.Base + Page + 0x7F8, (3 * Page) + 0x7F8);
        scene.Reaches(scene.Master, scene.Base + (2 * Page) - 8, (4 * Page) - 8);
        scene.IsRefused(scene.Master, scene.Base);
        scene.IsRefused(scene.Master, scene.Base + (2 * Page));
        scene.Reaches(scene.Master, scene.Base + Page, 3 * Page);
    }

    private static void PageSizes(ContractScene scene)
    {
        var domain = scene.DomainInForce();
        Require((domain.PageSizes & Page) != 0, "the unit has no pages of 4 KiB");
        for (var sizes = domain.PageSizes; sizes != 0; sizes &= sizes - 1)
        {
            var size = 1UL << BitOperations.TrailingZeroCount(sizes);
            if (size > (ulong)scene.Subject.MemoryBytes || !scene.Subject.Memory.IsAligned(size))
                break;
            scene.Map(domain, scene.Base, 0, (int)size);
            for (var at = 0; at < (int)size; at += (int)size / 8)
                scene.Reaches(scene.Master, scene.Base + (ulong)at, at);
            scene.Reaches(scene.Master, scene.Base + (size - 8), (int)size - 8);
            Unmap(domain, scene.Base, size, size);
            scene.IsRefused(scene.Master, scene.Base);
            scene.IsRefused(scene.Master, scene.Base + (size - 8));
        }
    }

    private static void MapPages(ContractScene scene)
    {
        var domain = scene.DomainInForce();
        int[] places = [5 * Page, 2 * Page, 7 * Page, 0, 4 * Page];
        scene.IsRefused(scene.Master, scene.Base);
        MapPages(scene, domain, scene.Base, places, Status.Ok);
        for (var i = 0; i < places.Length; i++)
            scene.Reaches(scene.Master, scene.Base + (ulong)((i * Page) + 0x10), places[i] + 0x10);
        scene.IsRefused(scene.Master, scene.Base + (ulong)(places.Length * Page));
        MapPages(scene, domain, scene.Base - Page, places[..2], Status.AlreadyExists); // the second page is taken
        scene.IsRefused(scene.Master, scene.Base - Page);
        Unmap(domain, scene.Base, (ulong)(places.Length * Page), (ulong)(places.Length * Page));
        for (var i = 0; i < places.Length; i++)
            scene.IsRefused(scene.Master, scene.Base + (ulong)(i * Page));
    }

    private static void MapPages(ContractScene scene, IommuDomain domain, Iova at, int[] places, Status expected)
    {
        var gather = default(InvalidationGather);
        PhysicalAddress[] pages = [.. places.Select(place => scene.Subject.Memory + (ulong)place)];
        var status = domain.MapPages(at, pages, Protection.ReadWrite, ref gather);
        Require(status == expected, $"{places.Length} pages at {at}: {status} instead of {expected}");
        Require(domain.Commit(ref gather) == Status.Ok, "the units could not be told");
    }

    private static void Scattered(ContractScene scene)
    {
        var domain = scene.DomainInForce();
        int[] pages = [9, 2, 300, 3, 8, 1];
        for (var i = 0; i < pages.Length; i++)
            scene.Map(domain, scene.Base + (ulong)(i * Page), pages[i] * Page);
        for (var i = 0; i < pages.Length; i++)
            scene.Reaches(scene.Master, scene.Base + (ulong)(i * Page) + 16, (pages[i] * Page) + 16);

        Span<byte> bytes = stackalloc byte[64];
        Span<byte> seen = stackalloc byte[64];
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] = (byte)(i + 1);
        scene.Master.Write(scene.Base + (2 * Page) - 24, bytes); // 24 bytes in page 2, the rest in page 300
        scene.Subject.Load((3 * Page) - 24, seen[..24]);
        scene.Subject.Load(300 * Page, seen[24..]);
        Expect(true, seen.SequenceEqual(bytes), "whether a write over two pages reached both");
        seen.Clear();
        scene.Master.Read(scene.Base + (2 * Page) - 24, seen);
        Expect(true, seen.SequenceEqual(bytes), "whether a read over two pages came from both");
    }

    private static void SameMemory(ContractScene scene)
    {
        var domain = scene.DomainInForce();
        scene.Map(domain, scene.Base, Page);
        scene.Map(domain, scene.Base + (64 * Page), Page);
        scene.Reaches(scene.Master, scene.Base, Page);
        scene.Reaches(scene.Master, scene.Base + (64 * Page), Page);
        Unmap(domain, scene.Base, Page, Page);
        scene.Reaches(scene.Master, scene.Base + (64 * Page), Page);
        scene.IsRefused(scene.Master, scene.Base);
    }

    private static void Overlap(ContractScene scene)
    {
        var domain = scene.DomainInForce();
        scene.Map(domain, scene.Base + (4 * Page), 0, 4 * Page);
        foreach (var (start, pages) in ((int, int)[])[(4, 4), (4, 1), (7, 1), (3, 2), (7, 2), (0, 12), (0, 5)])
            Expect(Status.AlreadyExists, scene.TryMap(domain, scene.Base + (ulong)(start * Page), 64 * Page, pages * Page),
                $"a map of {pages} pages from page {start} over pages 4 to 7");
        for (var page = 0; page < 12; page++)
        {
            if (page is >= 4 and < 8)
                scene.Reaches(scene.Master, scene.Base + (ulong)(page * Page), (page - 4) * Page);
            else
                scene.IsRefused(scene.Master, scene.Base + (ulong)(page * Page));
        }

        scene.Map(domain, scene.Base + (3 * Page), 9 * Page);
        scene.Map(domain, scene.Base + (8 * Page), 10 * Page);
        scene.Reaches(scene.Master, scene.Base + (3 * Page), 9 * Page);
        scene.Reaches(scene.Master, scene.Base + (8 * Page), 10 * Page);
    }

    private static void Nothing(ContractScene scene)
    {
        var domain = scene.DomainInForce();
        Expect(Status.Ok, domain.Map(scene.Base, scene.Subject.Memory, 0, Protection.ReadWrite), "a map of no bytes");
        scene.IsRefused(scene.Master, scene.Base);
        scene.Map(domain, scene.Base, 0);
        Expect(Status.Ok, domain.Map(scene.Base, scene.Subject.Memory, 0, Protection.ReadWrite), "a map of no bytes where something is");
        scene.Reaches(scene.Master, scene.Base, 0);
    }

    private static void ReadOnly(ContractScene scene)
    {
        var honoured = scene.Subject.Unit.Capabilities.HonouredProtection;
        Require((honoured & Protection.Write) != 0, "the unit grants writing with any right");
        var domain = scene.DomainInForce();
        scene.Map(domain, scene.Base, 0, Page, Protection.Read);
        scene.Map(domain, scene.Base + Page, Page);
        scene.Reads(scene.Master, scene.Base, 0);
        scene.WriteIsRefused(scene.Master, scene.Base);
        scene.Reads(scene.Master, scene.Base, 0);
        scene.Reaches(scene.Master, scene.Base + Page, Page);
    }

    private static void WriteOnly(ContractScene scene)
    {
        var honoured = scene.Subject.Unit.Capabilities.HonouredProtection;
        Require((honoured & Protection.Read) != 0, "the unit grants reading with any right");
        var domain = scene.DomainInForce();
        scene.Map(domain, scene.Base, 0, Page, Protection.Write);
        scene.Map(domain, scene.Base + Page, Page);
        scene.ReadIsRefused(scene.Master, scene.Base); // before the unit has it in its cache, and after
        scene.Writes(scene.Master, scene.Base, 0);
        scene.ReadIsRefused(scene.Master, scene.Base);
        scene.Reaches(scene.Master, scene.Base + Page, Page);
    }

    private static void NoRights(ContractScene scene)
    {
        Require((scene.Subject.Unit.Capabilities.HonouredProtection & Protection.ReadWrite) != 0, "the unit knows no rights");
        var domain = scene.DomainInForce();
        if (scene.TryMap(domain, scene.Base, 0, Page, Protection.None) is not (Status.Ok or Status.InvalidArgument) and var status)
            throw new ContractException($"a map without a right: {status}");
        scene.IsRefused(scene.Master, scene.Base);
    }

    private static void Translate(ContractScene scene)
    {
        var domain = scene.Domain();
        scene.Map(domain, scene.Base, 5 * Page, 2 * Page);
        foreach (var at in (ulong[])[0, 1, Page - 1, Page, (2 * Page) - 1])
        {
            Expect(true, domain.TryTranslate(scene.Base + at, out var address), $"whether byte {at} of a mapping is known");
            Expect(scene.Subject.Memory + ((5 * Page) + at), address, $"where byte {at} of a mapping leads");
        }

        Expect(false, domain.TryTranslate(scene.Base + (2 * Page), out _), "whether a byte behind a mapping is known");
        Expect(false, domain.TryTranslate(scene.Base - 1, out _), "whether a byte before a mapping is known");
        Unmap(domain, scene.Base, Page, Page);
        Expect(false, domain.TryTranslate(scene.Base, out _), "whether a byte is known after its unmap");
    }

    private static void Many(ContractScene scene)
    {
        const int count = 1000;
        var domain = scene.DomainInForce();
        var pages = scene.Subject.MemoryBytes / Page;
        for (var i = 0; i < count; i++)
            scene.Map(domain, scene.Base + ((ulong)i * 2 * Page), i * 7 % pages * Page);
        for (var i = 0; i < count; i += 37)
        {
            scene.Reaches(scene.Master, scene.Base + ((ulong)i * 2 * Page), i * 7 % pages * Page);
            scene.IsRefused(scene.Master, scene.Base + (((ulong)i * 2) + 1) * Page);
        }
    }
}
