using System.Numerics;
using Aperture.Core;
using static Aperture.Contract.ContractScene;

namespace Aperture.Contract;

/// <summary>Alignment, and the ends of what can be addressed.</summary>
internal static class LimitChecks
{
    public static IReadOnlyList<ContractCheck> All { get; } =
    [
        new("limit-alignment",
            "a map of addresses or a size that is no multiple of the smallest page is refused with InvalidArgument, and maps nothing",
            Alignment),
        new("limit-aperture",
            "the last page of the domain's addresses can be mapped; one beyond, or a map that runs beyond, is refused with OutOfRange",
            Aperture),
        new("limit-wrap", "a map whose device addresses or memory would wrap around is refused with OutOfRange", Wrap),
        new("limit-output", "memory that the unit cannot address is refused with OutOfRange", Output),
        new("limit-capabilities", "the domain's page sizes and addresses are within what the unit says it can do", Capabilities),
    ];

    private static void Alignment(ContractScene scene)
    {
        var domain = scene.DomainInForce();
        var page = 1UL << BitOperations.TrailingZeroCount(domain.PageSizes);
        foreach (var (iova, memory, bytes) in ((ulong, ulong, ulong)[])[(page / 2, 0, page), (0, page / 2, page), (0, 0, page / 2),
            (0, 0, page + 1), (1, 1, page), (0, 0, 1)])
        {
            var status = domain.Map(scene.Base + iova, scene.Subject.Memory + memory, bytes, Protection.ReadWrite);
            Expect(Status.InvalidArgument, status, $"a map of 0x{bytes:x} bytes of memory at offset 0x{memory:x} to offset 0x{iova:x}");
        }

        scene.IsRefused(scene.Master, scene.Base);
        scene.Map(domain, scene.Base, 0);
    }

    private static void Aperture(ContractScene scene)
    {
        var domain = scene.DomainInForce();
        var last = domain.ApertureEnd.AlignDown(Page);
        scene.Map(domain, last, 0);
        if (scene.Master.Highest >= domain.ApertureEnd)
            scene.Reaches(scene.Master, last, 0);
        Unmap(domain, last, Page, Page);
        if (domain.ApertureEnd.Value == ulong.MaxValue)
            return;
        Expect(Status.OutOfRange, scene.TryMap(domain, last + Page, 0), "a map beyond the last page");
        Expect(Status.OutOfRange, scene.TryMap(domain, last, 0, 2 * Page), "a map over the last page and beyond");
        Expect(false, domain.TryTranslate(last, out _), "whether the last page is mapped after a refused map");
    }

    private static void Wrap(ContractScene scene)
    {
        var domain = scene.Domain();
        var top = new Iova(ulong.MaxValue - (Page - 1));
        Expect(Status.OutOfRange, domain.Map(top, scene.Subject.Memory, 2 * Page, Protection.ReadWrite),
            "a map whose device addresses wrap");
        Expect(Status.OutOfRange, domain.Map(scene.Base, new PhysicalAddress(ulong.MaxValue - (Page - 1)), 2 * Page, Protection.ReadWrite),
            "a map whose memory wraps");
        Expect(false, domain.TryTranslate(scene.Base, out _), "whether anything is mapped after a refused map");
    }

    private static void Output(ContractScene scene)
    {
        var bits = scene.Subject.Unit.Capabilities.OutputBits;
        Require(bits < 64, "the unit addresses all memory");
        var domain = scene.DomainInForce();
        Expect(Status.OutOfRange, domain.Map(scene.Base, new PhysicalAddress(1UL << bits), Page, Protection.ReadWrite),
            $"a map of memory beyond {bits} address bits");
        Expect(Status.OutOfRange, domain.Map(scene.Base, new PhysicalAddress((1UL << bits) - Page), 2 * Page, Protection.ReadWrite),
            $"a map of memory that runs beyond {bits} address bits");
        scene.IsRefused(scene.Master, scene.Base);
    }

    private static void Capabilities(ContractScene scene)
    {
        var domain = scene.Domain();
        var capabilities = scene.Subject.Unit.Capabilities;
        Expect(true, domain.IsPaging, "whether an unmanaged domain can be mapped");
        Expect(0ul, domain.PageSizes & ~capabilities.PageSizes, "page sizes of the domain that the unit does not have");
        Expect(true, domain.PageSizes != 0, "whether the domain has page sizes");
        Expect(true, domain.ApertureStart >= capabilities.ApertureStart && domain.ApertureEnd <= capabilities.ApertureEnd,
            "whether the domain's addresses are the unit's");
    }
}
