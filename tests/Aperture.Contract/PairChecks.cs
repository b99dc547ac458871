using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Iommu;
using static Aperture.Contract.ContractScene;

namespace Aperture.Contract;

/// <summary>Features together: what is unmapped of a mapping, how, in which state of caches, attachment and power, by whom it is seen, and
/// how often. Every two choices meet.</summary>
internal static class PairChecks
{
    private static readonly string[] s_sizes = ["small", "large"];
    private static readonly string[] s_places = ["first", "middle", "last", "before", "behind", "enclosing", "whole"];
    private static readonly string[] s_ways = ["at-once", "gathered", "gathered-beyond"];
    private static readonly string[] s_caches = ["cold", "warm"];
    private static readonly string[] s_times = ["attached", "detached", "replaced", "off", "off-and-lost", "after-power", "after-loss"];
    private static readonly string[] s_masters = ["one", "two"];
    private static readonly string[] s_rounds = ["once", "twice", "thrice"];

    public static IReadOnlyList<ContractCheck> All { get; } =
    [
        .. Pairwise.Rows(
                s_sizes.Length, s_places.Length, s_ways.Length, s_caches.Length, s_times.Length, s_masters.Length, s_rounds.Length)
            .Select(row => new ContractCheck(
                $"pair-{s_sizes[row[0]]}-{s_places[row[1]]}-{s_ways[row[2]]}-{s_caches[row[3]]}-{s_times[row[4]]}-{s_masters[row[5]]}"
                    + $"-{s_rounds[row[6]]}",
                "exactly what is unmapped goes, whatever else is the case",
                scene => Run(scene, row[0] == 1, s_places[row[1]], row[2], row[3] == 1, s_times[row[4]], row[5] + 1, row[6] + 1))),
    ];

    private static void Run(ContractScene scene, bool isLarge, string place, int way, bool isWarm, string time, int masters, int rounds)
    {
        IContractMaster[] all = masters == 1 ? [scene.Master] : [scene.Master, scene.Other];
        var domain = scene.DomainInForce();
        if (masters == 2)
            scene.Other.Group.Attach(domain);
        for (var round = 0; round < rounds; round++)
            Round(scene, domain, all, isLarge ? 1 << 16 : Page, isLarge ? 16 : 6, place, way, isWarm, time, round + way);
    }

    private static void Round(
        ContractScene scene,
        IommuDomain domain,
        IContractMaster[] masters,
        int piece,
        int pieces,
        string place,
        int way,
        bool isWarm,
        string time,
        int turn)
    {
        // Which pieces the unmap names, and how many of them go: it ends at the first hole.
        var (first, count, gone) = place switch
        {
            "first" => (0, 1, 1),
            "middle" => ((pieces / 2) - 1, 2, 2),
            "last" => (pieces - 1, 1, 1),
            "before" => (-1, 2, 0),
            "behind" => (pieces - 1, 2, 1),
            "enclosing" => (0, pieces + 2, pieces),
            _ => (0, pieces, pieces),
        };
        scene.Map(domain, scene.Base, 0, pieces * piece);
        if (isWarm)
            Look(0, 0);
        Before(scene, domain, masters, time);
        Unmap(scene, domain, At(first), (ulong)(count * piece), (ulong)(gone * piece), way);
        After(scene, domain, masters, time);
        Look(first, gone);
        if (first < 0)
            (first, gone) = (0, 0);
        foreach (var (from, to) in ((int, int)[])[(0, first), (first + gone, pieces)])
        {
            if (to > from)
                ContractScene.Unmap(domain, At(from), (ulong)((to - from) * piece), (ulong)((to - from) * piece));
        }

        Look(0, pieces);

        Iova At(int number) => number < 0 ? scene.Base - (ulong)(-number * piece) : scene.Base + (ulong)(number * piece);

        // Both ends of each piece, through every master. What went comes first, and another piece of it each turn: a refusal may empty the
        // unit's caches, and only what is asked before tells whether they were.
        void Look(int missing, int number)
        {
            int[] ends = turn % 2 == 0 ? [0, piece - sizeof(ulong)] : [piece - sizeof(ulong), 0];
            foreach (var master in masters)
            {
                for (var i = 0; i < number; i++)
                    Refused(master, missing + ((i + turn) % number));
                for (var i = 0; i < pieces; i++)
                {
                    if (i >= missing && i < missing + number)
                        continue;
                    foreach (var offset in ends)
                        scene.Reaches(master, At(i) + (ulong)offset, (i * piece) + offset);
                }

                Refused(master, -1);
                Refused(master, pieces);
            }

            void Refused(IContractMaster master, int i)
            {
                foreach (var offset in ends)
                    scene.IsRefused(master, At(i) + (ulong)offset);
            }
        }
    }

    private static void Unmap(ContractScene scene, IommuDomain domain, Iova start, ulong bytes, ulong expected, int way)
    {
        if (way == 0)
        {
            ContractScene.Unmap(domain, start, bytes, expected);
            return;
        }

        // Beyond: more ranges than a gather keeps apart, before and behind.
        var others = way == 2 ? InvalidationGather.Capacity + 1 : 0;
        for (var i = 0; i < others; i++)
            scene.Map(domain, Other(i), (256 + i) * Page);
        var gather = default(InvalidationGather);
        for (var i = 0; i < others / 2; i++)
            domain.Unmap(Other(i), Page, ref gather, out _);
        Expect(Status.Ok, domain.Unmap(start, bytes, ref gather, out var unmapped), "a gathered unmap");
        Expect(expected, unmapped, "bytes that it removed");
        for (var i = others / 2; i < others; i++)
            domain.Unmap(Other(i), Page, ref gather, out _);
        Expect(Status.Ok, domain.Commit(ref gather), "a commit");

        Iova Other(int i) => scene.Base + (ulong)((8 << 20) + (i * 3 * Page));
    }

    private static void Before(ContractScene scene, IommuDomain domain, IContractMaster[] masters, string time)
    {
        switch (time)
        {
            case "detached":
                foreach (var master in masters)
                    master.Group.Detach(domain);
                break;
            case "replaced":
                var other = scene.Domain();
                foreach (var master in masters)
                    master.Group.Replace(other);
                break;
            case "off" or "off-and-lost":
                scene.Power(false, time == "off-and-lost");
                break;
            case "after-power" or "after-loss":
                scene.Power(false, time == "after-loss");
                scene.Power(true, false);
                break;
        }
    }

    private static void After(ContractScene scene, IommuDomain domain, IContractMaster[] masters, string time)
    {
        switch (time)
        {
            case "detached":
                foreach (var master in masters)
                    master.Group.Attach(domain);
                break;
            case "replaced":
                foreach (var master in masters)
                    master.Group.Replace(domain);
                break;
            case "off" or "off-and-lost":
                scene.Power(true, false);
                break;
        }
    }
}
