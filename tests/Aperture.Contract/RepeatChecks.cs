using Aperture.Core;
using Aperture.Iommu;
using static Aperture.Contract.ContractScene;

namespace Aperture.Contract;

/// <summary>The second time and the third, and what is left over when all is let go.</summary>
internal static class RepeatChecks
{
    private const int Lives = 300; // more than any unit has contexts or address space numbers

    public static IReadOnlyList<ContractCheck> All { get; } =
    [
        new("again-power", "what is mapped is reached, and what is not is refused, after the first, second and third power cycle", Power),
        new("again-power-lost", "the same where the unit loses its state each time", PowerLost),
        new("again-partial", "a large mapping of which parts went can be filled up and cut again, three times", Partial),
        new("again-lives", "numbers that domains have are used again: the last of three hundred lives sees its own mappings only", Reuse),
        new("left-success", "a domain that was used and let go leaves nothing behind", AfterSuccess),
        new("left-failure", "calls that failed leave nothing behind", AfterFailures),
    ];

    private static void Power(ContractScene scene) => Cycle(scene, losesState: false);

    private static void PowerLost(ContractScene scene) => Cycle(scene, losesState: true);

    private static void Cycle(ContractScene scene, bool losesState)
    {
        var domain = scene.DomainInForce();
        for (var time = 0; time < 3; time++)
        {
            var at = scene.Base + (ulong)(time * 4 * Page);
            scene.Map(domain, at, time * Page, Page, Protection.Read);
            scene.Map(domain, at + (2 * Page), (8 + time) * Page);
            scene.Reads(scene.Master, at, time * Page);
            scene.Power(false, losesState);
            scene.Power(true, false);
            for (var before = 0; before <= time; before++)
            {
                at = scene.Base + (ulong)(before * 4 * Page);
                scene.Reads(scene.Master, at, before * Page);
                scene.Reaches(scene.Master, at + (2 * Page), (8 + before) * Page);
                scene.IsRefused(scene.Master, at + Page);
                if ((scene.Subject.Unit.Capabilities.HonouredProtection & Protection.Write) != 0)
                    scene.WriteIsRefused(scene.Master, at);
            }
        }
    }

    private static void Partial(ContractScene scene)
    {
        const int large = 1 << 20;
        var domain = scene.DomainInForce();
        scene.Map(domain, scene.Base, 0, large);
        for (var time = 0; time < 3; time++)
        {
            foreach (var at in (int[])[0, large / 2, large - Page])
            {
                scene.Reaches(scene.Master, scene.Base + (ulong)at, at);
                Unmap(domain, scene.Base + (ulong)at, Page, Page);
                scene.IsRefused(scene.Master, scene.Base + (ulong)at);
                Unmap(domain, scene.Base + (ulong)at, Page, 0);
                scene.Map(domain, scene.Base + (ulong)at, at);
                scene.Reaches(scene.Master, scene.Base + (ulong)at, at);
            }
        }
    }

    private static void Reuse(ContractScene scene)
    {
        for (var life = 0; life < Lives; life++)
        {
            using var domain = scene.Subject.Unit.CreateDomain(DomainType.Unmanaged);
            scene.Master.Group.Attach(domain);
            var at = scene.Base + (ulong)(life % 3 * Page);
            scene.Map(domain, at, life % 64 * Page);
            if (life % 50 < 3 || life == Lives - 1)
            {
                scene.Reaches(scene.Master, at, life % 64 * Page);
                for (var other = 0; other < 3; other++)
                {
                    if (other != life % 3)
                        scene.IsRefused(scene.Master, scene.Base + (ulong)(other * Page));
                }
            }

            scene.Master.Group.Detach(domain);
        }
    }

    private static void AfterSuccess(ContractScene scene) => LeavesNothing(scene, domain =>
    {
        scene.Map(domain, scene.Base, 0, 1 << 20);
        scene.Map(domain, scene.Base + (64UL << 20), Page, 3 * Page);
        scene.Reaches(scene.Master, scene.Base, 0);
        Unmap(domain, scene.Base + Page, 2 * Page, 2 * Page);
    });

    private static void AfterFailures(ContractScene scene) => LeavesNothing(scene, domain =>
    {
        scene.Map(domain, scene.Base + (16 * Page), 0);
        Expect(Status.AlreadyExists, scene.TryMap(domain, scene.Base, 0, 32 * Page), "a map over something mapped");
        Expect(Status.InvalidArgument, scene.TryMap(domain, scene.Base + 1, 0), "a map at no page");
        Expect(
            Status.OutOfRange,
            domain.Map(new Iova(ulong.MaxValue - (Page - 1)), scene.Subject.Memory, 2 * Page, Protection.ReadWrite),
            "a map that wraps");
        Throws(Status.Busy, () => scene.Master.Group.Attach(scene.Domain()), "an attach where another domain is in force");
        scene.IsRefused(scene.Master, scene.Base);
        Unmap(domain, scene.Base, Page, 0);
    });

    /// <summary>Three times: what the first life leaves for good is there after the second, and no more after the third.</summary>
    private static void LeavesNothing(ContractScene scene, Action<IommuDomain> live)
    {
        IReadOnlyDictionary<string, long>? before = null;
        for (var life = 0; life < 3; life++)
        {
            var domain = scene.DomainInForce();
            live(domain);
            scene.Master.Group.Detach(domain);
            scene.LetGo();
            var left = scene.Subject.InUse;
            Require(left.Count > 0, "the subject cannot tell what is in use");
            foreach (var (what, count) in left)
                Expect(before?.GetValueOrDefault(what) ?? count, count, $"{what} in use after life {life + 1}");
            before = left;
        }
    }
}
