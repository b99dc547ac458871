using Aperture.Core;
using Aperture.Iommu;
using static Aperture.Contract.ContractScene;

namespace Aperture.Contract;

/// <summary>Anything in any order, against a plain list of what must be mapped.</summary>
internal static class RandomChecks
{
    private const int Pages = 512;
    private const int Steps = 300;

    public static IReadOnlyList<ContractCheck> All { get; } =
    [
        .. Enumerable.Range(1, 3)
            .Select(seed => new ContractCheck($"random-{seed}", "random maps, unmaps and switches are seen exactly", scene =>
            Run(scene, seed))),
    ];

    private static void Run(ContractScene scene, int seed)
    {
        var random = new Random(seed); // the seed is in the check's name
        var domains = new[] { scene.DomainInForce(), scene.Domain() };
        // of each domain: offset of the memory behind each page, plus 1; zero for nothing
        var expected = new[] { new int[Pages], new int[Pages] };
        var current = 0;
        for (var step = 0; step < Steps; step++)
        {
            var which = random.Next(4) == 0 ? 1 - current : current;
            var start = random.Next(Pages);
            var count = Math.Min(random.Next(4) == 0 ? random.Next(1, 300) : random.Next(1, 5), Pages - start);
            if (random.Next(10) == 0)
                scene.Master.Group.Replace(domains[current = 1 - current]);
            else if (random.Next(2) == 0)
                Map(scene, domains[which], expected[which].AsSpan(start, count), start, random);
            else
                Remove(scene, domains[which], expected[which].AsSpan(start, count), start);
            Look(scene, expected[current], start);
            Look(scene, expected[current], random.Next(Pages));
        }
    }

    private static void Map(ContractScene scene, IommuDomain domain, Span<int> expected, int start, Random random)
    {
        var bytes = expected.Length * Page;
        var offset = random.Next(((scene.Subject.MemoryBytes - bytes) / Page) + 1) * Page;
        if (random.Next(2) == 0)
            offset = Math.Min(offset & ~0xF_FFFF | (start * Page & 0xF_FFFF), scene.Subject.MemoryBytes - bytes); // so that large pages fit
        var isFree = expected.IndexOfAnyExcept(0) < 0;
        Expect(isFree ? Status.Ok : Status.AlreadyExists, scene.TryMap(domain, At(scene, start), offset, bytes),
            $"a map of {expected.Length} pages from page {start}");
        for (var i = 0; isFree && i < expected.Length; i++)
            expected[i] = offset + (i * Page) + 1;
    }

    private static void Remove(ContractScene scene, IommuDomain domain, Span<int> expected, int start)
    {
        var mapped = expected.IndexOf(0);
        mapped = mapped < 0 ? expected.Length : mapped;
        Unmap(domain, At(scene, start), (ulong)expected.Length * Page, (ulong)mapped * Page);
        expected[..mapped].Clear();
    }

    private static void Look(ContractScene scene, int[] expected, int page)
    {
        var at = At(scene, page) + 8;
        if (expected[page] != 0)
            scene.Reaches(scene.Master, at, expected[page] - 1 + 8);
        else
            scene.IsRefused(scene.Master, at);
    }

    private static Iova At(ContractScene scene, int page) => scene.Base + ((ulong)page * Page);
}
