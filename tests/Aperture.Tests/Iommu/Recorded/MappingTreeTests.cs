using Aperture.Core;
using Aperture.Iommu.Recorded;

namespace Aperture.Tests.Iommu.Recorded;

public sealed class MappingTreeTests
{
    [Fact]
    public void Agrees_with_a_sorted_list()
    {
        const int Seed = 20;
        var random = new Random(Seed);
        var tree = new MappingTree();
        var list = new SortedDictionary<ulong, RecordedMapping>();
        for (var i = 0; i < 20_000; i++)
        {
            var start = (ulong)random.Next(2000) << 12;
            if (list.ContainsKey(start) && random.Next(3) > 0)
            {
                tree.Remove(start);
                list.Remove(start);
            }
            else if (!list.ContainsKey(start))
            {
                var mapping = new RecordedMapping(start, 0x1000, (ulong)i << 12, Protection.Read);
                tree.Add(mapping);
                list.Add(start, mapping);
            }

            var from = (ulong)random.Next(2_100 << 12);
            var expected = list.Values.Where(mapping => mapping.Last >= from).Select(mapping => (RecordedMapping?)mapping).FirstOrDefault();
            Assert.True(expected is not null == tree.TryFind(from, out var found) && (expected is null || found == expected),
                $"seed {Seed}, step {i}");
            Assert.Equal(list.Count, tree.Count);
        }
    }

    [Fact]
    public void Sorted_input_does_not_make_it_deep()
    {
        // The recursion would end the process at a depth of hundreds of thousands.
        var tree = new MappingTree();
        for (ulong i = 0; i < 300_000; i++)
            tree.Add(new RecordedMapping(i << 12, 0x1000, 0, Protection.Read));
        Assert.True(tree.TryFind(0x1234_5000, out var found));
        Assert.Equal(0x1234_5000UL, found.Start);
    }

    [Fact]
    public void Adding_and_removing_allocates_nothing()
    {
        var tree = new MappingTree();
        var fewest = long.MaxValue; // of three rounds: the runtime may allocate in one
        for (var round = 0; round < 3; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (ulong i = 0; i < 1000; i++)
            {
                tree.Add(new RecordedMapping(i << 12, 0x1000, 0, Protection.Read));
                tree.Remove(i << 12);
            }

            fewest = Math.Min(fewest, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, fewest);
    }
}
