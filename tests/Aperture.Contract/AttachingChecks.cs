using Aperture.Core;
using Aperture.Iommu;
using static Aperture.Contract.ContractScene;

namespace Aperture.Contract;

/// <summary>Masters that come into domains, change between them, and share them.</summary>
internal static class AttachingChecks
{
    public static IReadOnlyList<ContractCheck> All { get; } =
    [
        new("attach-order", "what was mapped before an attach and what is mapped after it are both reached", Order),
        new("attach-twice", "attaching what is attached already is refused with Busy, replacing it by itself does nothing", Twice),
        new("attach-another", "attaching where another domain is in force is refused with Busy, and changes nothing", Another),
        new("attach-alien", "a domain of another kind of unit is refused with InvalidArgument, and the device stays where it is", Alien),
        new("replace-leaves-nothing", "after a replace the device sees the new domain only, however often it goes to and fro", Replace),
        new("detach-blocks", "after a detach the device reaches nothing; the domain keeps its mappings", Detach),
        new("detach-other", "detaching a domain that is not in force is refused with InvalidArgument", DetachOther),
        new("dispose-in-force", "a domain cannot go while it is in force", DisposeInForce),
        new("domain-shared", "two devices in one domain see the same, each map and each unmap at once", Shared),
        new("domain-apart", "two devices in domains of their own see only their own", Apart),
        new("domain-leave", "when one of two devices leaves a domain the other stays", Leave),
    ];

    private static void Order(ContractScene scene)
    {
        var domain = scene.Domain();
        scene.Map(domain, scene.Base, 0);
        scene.Master.Group.Attach(domain);
        scene.Map(domain, scene.Base + Page, 9 * Page);
        scene.Reaches(scene.Master, scene.Base, 0);
        scene.Reaches(scene.Master, scene.Base + Page, 9 * Page);
        scene.IsRefused(scene.Master, scene.Base + (2 * Page));
    }

    private static void Twice(ContractScene scene)
    {
        var domain = scene.DomainInForce();
        scene.Map(domain, scene.Base, 0);
        Throws(Status.Busy, () => scene.Master.Group.Attach(domain), "a second attach of the same domain");
        scene.Master.Group.Replace(domain);
        Expect(domain, scene.Master.Group.Domain, "the domain in force");
        scene.Reaches(scene.Master, scene.Base, 0);
        scene.Master.Group.Detach(domain);
        Throws(Status.InvalidArgument, () => scene.Master.Group.Detach(domain), "a second detach");
        scene.Master.Group.Attach(domain);
        scene.Reaches(scene.Master, scene.Base, 0);
    }

    private static void Another(ContractScene scene)
    {
        var domain = scene.DomainInForce();
        var other = scene.Domain();
        scene.Map(domain, scene.Base, 0);
        scene.Map(other, scene.Base, Page);
        Throws(Status.Busy, () => scene.Master.Group.Attach(other), "an attach where another domain is in force");
        scene.Reaches(scene.Master, scene.Base, 0);
    }

    private static void Alien(ContractScene scene)
    {
        var domain = scene.DomainInForce();
        scene.Map(domain, scene.Base, 0);
        using var alien = new AlienDomain();
        Throws(Status.InvalidArgument, () => scene.Master.Group.Replace(alien), "a domain of another kind");
        Expect(domain, scene.Master.Group.Domain, "the domain in force");
        scene.Reaches(scene.Master, scene.Base, 0);
    }

    private static void Replace(ContractScene scene)
    {
        var first = scene.DomainInForce();
        var second = scene.Domain();
        for (var page = 0; page < 8; page++)
        {
            scene.Map(first, scene.Base + (ulong)(page * Page), page * Page);
            scene.Map(second, scene.Base + (ulong)(page * Page), (64 + page) * Page);
        }

        scene.Map(first, scene.Base + (8 * Page), 8 * Page);
        for (var round = 0; round < 10; round++)
        {
            var isSecond = round % 2 != 0;
            scene.Master.Group.Replace(isSecond ? second : first);
            for (var page = 0; page < 8; page++)
                scene.Reaches(scene.Master, scene.Base + (ulong)(page * Page), (page + (isSecond ? 64 : 0)) * Page);
            if (isSecond)
                scene.IsRefused(scene.Master, scene.Base + (8 * Page));
            else
                scene.Reaches(scene.Master, scene.Base + (8 * Page), 8 * Page);
        }
    }

    private static void Detach(ContractScene scene)
    {
        var domain = scene.DomainInForce();
        scene.Map(domain, scene.Base, 0);
        scene.Reaches(scene.Master, scene.Base, 0);
        scene.Master.Group.Detach(domain);
        scene.IsRefused(scene.Master, scene.Base);
        Expect(true, domain.TryTranslate(scene.Base, out _), "whether the domain kept its mapping");
        scene.Master.Group.Attach(domain);
        scene.Reaches(scene.Master, scene.Base, 0);
    }

    private static void DetachOther(ContractScene scene)
    {
        var domain = scene.DomainInForce();
        var other = scene.Domain();
        scene.Map(domain, scene.Base, 0);
        Throws(Status.InvalidArgument, () => scene.Master.Group.Detach(other), "a detach of a domain that is not in force");
        scene.Reaches(scene.Master, scene.Base, 0);
    }

    private static void DisposeInForce(ContractScene scene)
    {
        var domain = scene.DomainInForce();
        scene.Map(domain, scene.Base, 0);
        Throws(Status.Busy, domain.Dispose, "the end of a domain in force");
        scene.Reaches(scene.Master, scene.Base, 0);
    }

    private static void Shared(ContractScene scene)
    {
        var (one, other) = (scene.Master, scene.Other);
        var domain = scene.DomainInForce();
        scene.Map(domain, scene.Base, 0, 4 * Page);
        other.Group.Attach(domain);
        scene.Map(domain, scene.Base + (4 * Page), 20 * Page);
        foreach (var master in (IContractMaster[])[one, other])
        {
            scene.Reaches(master, scene.Base + Page, Page);
            scene.Reaches(master, scene.Base + (4 * Page), 20 * Page);
        }

        Unmap(domain, scene.Base + Page, Page, Page);
        Unmap(domain, scene.Base + (4 * Page), Page, Page);
        foreach (var master in (IContractMaster[])[one, other])
        {
            scene.IsRefused(master, scene.Base + Page);
            scene.IsRefused(master, scene.Base + (4 * Page));
            scene.Reaches(master, scene.Base, 0);
        }
    }

    private static void Apart(ContractScene scene)
    {
        var (one, other) = (scene.Master, scene.Other);
        var first = scene.DomainInForce();
        var second = scene.Domain();
        other.Group.Attach(second);
        scene.Map(first, scene.Base, 0);
        scene.Map(second, scene.Base, 30 * Page);
        scene.Map(second, scene.Base + Page, 31 * Page);
        scene.Reaches(one, scene.Base, 0);
        scene.Reaches(other, scene.Base, 30 * Page);
        scene.Reaches(other, scene.Base + Page, 31 * Page);
        scene.IsRefused(one, scene.Base + Page);
        Unmap(first, scene.Base, Page, Page);
        scene.IsRefused(one, scene.Base);
        scene.Reaches(other, scene.Base, 30 * Page);
    }

    private static void Leave(ContractScene scene)
    {
        var (one, other) = (scene.Master, scene.Other);
        var domain = scene.DomainInForce();
        other.Group.Attach(domain);
        scene.Map(domain, scene.Base, 0);
        scene.Reaches(one, scene.Base, 0);
        scene.Reaches(other, scene.Base, 0);
        one.Group.Detach(domain);
        scene.IsRefused(one, scene.Base);
        scene.Reaches(other, scene.Base, 0);
        Throws(Status.Busy, domain.Dispose, "the end of a domain that one device is still in");
        scene.Map(domain, scene.Base + Page, 2 * Page);
        scene.Reaches(other, scene.Base + Page, 2 * Page);
        scene.IsRefused(one, scene.Base + Page);
    }

    /// <summary>An address space that no unit knows.</summary>
    private sealed class AlienDomain() : IommuDomain(DomainType.Unmanaged)
    {
        public override bool IsPaging => true;

        public override ulong PageSizes => Page;
    }
}
