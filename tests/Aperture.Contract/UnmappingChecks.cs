using Aperture.Core;
using Aperture.Core.PageTables;
using static Aperture.Contract.ContractScene;

namespace Aperture.Contract;

/// <summary>Unmaps: exactly what was asked for goes, at once and for every master.</summary>
internal static class UnmappingChecks
{
    private const int Large = 1 << 20;

    public static IReadOnlyList<ContractCheck> All { get; } =
    [
        new("unmap-forgets", "after an unmap the device reaches nothing there, though it did a moment before", Forgets),
        new("unmap-remap", "what is mapped anew leads to the new memory only", Remap),
        new("unmap-part", "a part of a large mapping can go: exactly that part goes, and the rest leads where it led", Part),
        new("unmap-edges", "the first and the last page of a large mapping can go", Edges),
        new("unmap-several", "one unmap removes several mappings that follow each other", Several),
        new("unmap-each", "of several pages of a size that one unmap removes none is reached, whichever is asked for first", Each),
        new("unmap-hole", "an unmap ends at the first hole and reports what went up to there", Hole),
        new("unmap-nothing", "an unmap where nothing is mapped removes nothing and says so", Nothing),
        new(
            "unmap-misaligned",
            "an unmap at an address or of a size that is no multiple of a page is refused with InvalidArgument, and removes nothing",
            Misaligned),
        new("unmap-gathered", "several unmaps can be gathered, and hold after one commit", Gathered),
        new("unmap-gathered-sizes", "nine unmaps of several page sizes can be gathered, whichever is the smallest", GatheredSizes),
        new("unmap-while-detached", "what is unmapped while no device is in the domain is gone when one comes", WhileDetached),
    ];

    private static void Forgets(ContractScene scene)
    {
        var domain = scene.DomainInForce();
        for (var round = 0; round < 8; round++)
        {
            scene.Map(domain, scene.Base, round * Page);
            scene.Reaches(scene.Master, scene.Base, round * Page);
            Unmap(domain, scene.Base, Page, Page);
            scene.IsRefused(scene.Master, scene.Base);
        }
    }

    private static void Remap(ContractScene scene)
    {
        var domain = scene.DomainInForce();
        scene.Map(domain, scene.Base, 0, 16 * Page);
        scene.Reaches(scene.Master, scene.Base + (5 * Page), 5 * Page);
        Unmap(domain, scene.Base, 16 * Page, 16 * Page);
        for (var i = 0; i < 16; i++)
            scene.Map(domain, scene.Base + (ulong)(i * Page), (100 - i) * Page);
        for (var i = 0; i < 16; i++)
            scene.Reaches(scene.Master, scene.Base + (ulong)(i * Page), (100 - i) * Page);
    }

    private static void Part(ContractScene scene)
    {
        var domain = scene.DomainInForce();
        scene.Map(domain, scene.Base, 0, Large);
        scene.Reaches(scene.Master, scene.Base + 0x4_5000, 0x4_5000);
        Unmap(domain, scene.Base + 0x4_5000, 2 * Page, 2 * Page);
        scene.IsRefused(scene.Master, scene.Base + 0x4_5000);
        scene.IsRefused(scene.Master, scene.Base + 0x4_6FF8);
        foreach (var at in (int[])[0, 0x4_4FF8, 0x4_7000, Large - 8])
            scene.Reaches(scene.Master, scene.Base + (ulong)at, at);
        scene.Map(domain, scene.Base + 0x4_5000, Large + Page);
        scene.Reaches(scene.Master, scene.Base + 0x4_5000, Large + Page);
        scene.IsRefused(scene.Master, scene.Base + 0x4_6000);
        Unmap(domain, scene.Base, 0x4_6000, 0x4_6000);
        Unmap(domain, scene.Base + 0x4_7000, Large - 0x4_7000, Large - 0x4_7000);
        scene.IsRefused(scene.Master, scene.Base);
        scene.IsRefused(scene.Master, scene.Base + (Large - Page));
    }

    private static void Edges(ContractScene scene)
    {
        var domain = scene.DomainInForce();
        scene.Map(domain, scene.Base, 0, Large);
        Unmap(domain, scene.Base, Page, Page);
        Unmap(domain, scene.Base + (Large - Page), Page, Page);
        scene.IsRefused(scene.Master, scene.Base);
        scene.IsRefused(scene.Master, scene.Base + (Large - Page));
        scene.Reaches(scene.Master, scene.Base + Page, Page);
        scene.Reaches(scene.Master, scene.Base + (Large - Page - 8), Large - Page - 8);
        Unmap(domain, scene.Base + Page, Large, Large - (2 * Page));
    }

    private static void Several(ContractScene scene)
    {
        var domain = scene.DomainInForce();
        scene.Map(domain, scene.Base, 0, 3 * Page);
        scene.Map(domain, scene.Base + (3 * Page), 50 * Page);
        scene.Map(domain, scene.Base + (4 * Page), 20 * Page, 12 * Page);
        Unmap(domain, scene.Base + Page, 8 * Page, 8 * Page); // begins inside the first and ends inside the last
        scene.Reaches(scene.Master, scene.Base, 0);
        for (ulong page = 1; page < 9; page++)
            scene.IsRefused(scene.Master, scene.Base + (page * Page));
        scene.Reaches(scene.Master, scene.Base + (9 * Page), 25 * Page);
        scene.Reaches(scene.Master, scene.Base + (15 * Page), 31 * Page);
    }

    /// <summary>A refused access may leave a unit that its master's driver has to bring up afresh, and then no cache holds anything: so one
    /// address is asked for after each unmap.</summary>
    private static void Each(ContractScene scene)
    {
        const int pages = 4;
        var domain = scene.DomainInForce();
        foreach (var size in (int[])[Page, Large / 16, Large])
        {
            if ((domain.PageSizes & (ulong)size) == 0 || Data(size, 0) + size > scene.Subject.MemoryBytes)
                continue;
            for (var asked = 0; asked < pages; asked++)
            {
                for (var page = 0; page < pages; page++)
                {
                    // Not one behind the other in memory: they are no larger page.
                    scene.Map(domain, At(size, page), Data(size, page), size);
                    scene.Reaches(scene.Master, At(size, page), Data(size, page));
                    scene.Reaches(scene.Master, At(size, page) + (ulong)(size - 8), Data(size, page) + size - 8);
                }

                Unmap(domain, At(size, 0), (ulong)(pages * size), (ulong)(pages * size));
                scene.IsRefused(scene.Master, At(size, asked) + (ulong)(asked % 2 * (size - 8)));
            }
        }

        Iova At(int size, int page) => scene.Base + ((ulong)page * (ulong)size);

        static int Data(int size, int page) => (pages - 1 - page) * 2 * size;
    }

    private static void Hole(ContractScene scene)
    {
        var domain = scene.DomainInForce();
        scene.Map(domain, scene.Base, 0, 2 * Page);
        scene.Map(domain, scene.Base + (3 * Page), 3 * Page);
        Unmap(domain, scene.Base, 4 * Page, 2 * Page);
        scene.IsRefused(scene.Master, scene.Base);
        scene.IsRefused(scene.Master, scene.Base + Page);
        scene.Reaches(scene.Master, scene.Base + (3 * Page), 3 * Page);
        Unmap(domain, scene.Base + (2 * Page), 2 * Page, 0);
        scene.Reaches(scene.Master, scene.Base + (3 * Page), 3 * Page);
    }

    private static void Nothing(ContractScene scene)
    {
        var domain = scene.DomainInForce();
        Unmap(domain, scene.Base, Large, 0);
        scene.Map(domain, scene.Base, 0);
        Unmap(domain, scene.Base, 0, 0);
        scene.Reaches(scene.Master, scene.Base, 0);
        Unmap(domain, scene.Base, Page, Page);
        Unmap(domain, scene.Base, Page, 0);
    }

    private static void Misaligned(ContractScene scene)
    {
        var domain = scene.DomainInForce();
        scene.Map(domain, scene.Base, 0, 2 * Page);
        foreach (var (at, bytes) in ((ulong, ulong)[])[(8, Page), (0, 8), (0, Page + 8), (Page - 1, Page)])
        {
            var gather = default(InvalidationGather);
            Expect(
                Status.InvalidArgument,
                domain.Unmap(scene.Base + at, bytes, ref gather, out var unmapped),
                $"an unmap of 0x{bytes:x} bytes at offset 0x{at:x}");
            Expect(0ul, unmapped, "bytes that it removed");
            domain.Commit(ref gather);
        }

        scene.Reaches(scene.Master, scene.Base, 0);
        scene.Reaches(scene.Master, scene.Base + Page, Page);
    }

    private static void Gathered(ContractScene scene)
    {
        const int count = 40;
        var domain = scene.DomainInForce();
        for (var i = 0; i < count; i++)
        {
            scene.Map(domain, scene.Base + (ulong)(i * 3 * Page), i * Page);
            scene.Reaches(scene.Master, scene.Base + (ulong)(i * 3 * Page), i * Page);
        }

        var gather = default(InvalidationGather);
        for (var i = 0; i < count; i++)
        {
            Expect(Status.Ok, domain.Unmap(scene.Base + (ulong)(i * 3 * Page), Page, ref gather, out var unmapped), "a gathered unmap");
            Expect((ulong)Page, unmapped, "bytes that it removed");
        }

        Expect(Status.Ok, domain.Commit(ref gather), "a commit");
        for (var i = 0; i < count; i++)
            scene.IsRefused(scene.Master, scene.Base + (ulong)(i * 3 * Page));
    }

    /// <summary>More pieces than a gather keeps apart, the small one at any place, and not where a larger page could begin: who goes
    /// through all of them in steps of a larger page steps over it.</summary>
    private static void GatheredSizes(ContractScene scene)
    {
        var domain = scene.DomainInForce();
        const int count = InvalidationGather.Capacity + 1;
        for (var turn = 0; turn < 2 * count; turn++)
        {
            var small = turn / 2;
            var first = turn % 2 == 0 ? small : small * 2 % count; // which is asked for before a refusal may empty caches
            for (var i = 0; i < count; i++)
            {
                scene.Map(domain, At(i), Data(i), Bytes(i));
                scene.Reaches(scene.Master, At(i), Data(i));
                scene.Reaches(scene.Master, At(i) + (ulong)(Bytes(i) - Page), Data(i) + Bytes(i) - Page);
            }

            var gather = default(InvalidationGather);
            for (var i = 0; i < count; i++)
                domain.Unmap(At(i), (ulong)Bytes(i), ref gather, out _);
            Expect(Status.Ok, domain.Commit(ref gather), "a commit");
            for (var i = 0; i < count; i++)
            {
                var asked = (i + first) % count;
                scene.IsRefused(scene.Master, At(asked) + (ulong)(small % 2 * (Bytes(asked) - Page)));
                scene.IsRefused(scene.Master, At(asked) + (ulong)((1 - (small % 2)) * (Bytes(asked) - Page)));
            }

            Iova At(int i) => scene.Base + ((ulong)i * 2 * Large) + (i == small ? 5 * Page : 0ul);

            int Bytes(int i) => i == small ? Page : i % 2 == 0 ? Large : Large / 16;
        }

        static int Data(int i) => i % 3 * Large;
    }

    private static void WhileDetached(ContractScene scene)
    {
        var domain = scene.DomainInForce();
        scene.Map(domain, scene.Base, 0, 2 * Page);
        scene.Reaches(scene.Master, scene.Base, 0);
        scene.Master.Group.Detach(domain);
        Unmap(domain, scene.Base, Page, Page);
        scene.Map(domain, scene.Base + (2 * Page), 7 * Page);
        scene.Master.Group.Attach(domain);
        scene.IsRefused(scene.Master, scene.Base);
        scene.Reaches(scene.Master, scene.Base + Page, Page);
        scene.Reaches(scene.Master, scene.Base + (2 * Page), 7 * Page);
    }
}
