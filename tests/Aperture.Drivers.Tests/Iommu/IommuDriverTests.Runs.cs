using System.Numerics;
using Aperture.Core;
using Aperture.Hardware.Translation;

namespace Aperture.Drivers.Tests.Iommu;

// Several pages of each size in one call.
public abstract partial class IommuDriverTests
{
    /// <summary>The unit knows the first, the middle and the last page of a run, from their first byte to their last, and the run is no
    /// larger page: one unmap takes all of them.</summary>
    [Fact]
    public void A_run_of_pages_of_each_size_goes_as_a_whole_and_its_neighbours_stay()
    {
        const int Pages = 3;
        var (_, master, domain) = Ready();
        Assert.NotEqual(0UL, domain.PageSizes);
        for (var sizes = domain.PageSizes & SizesInMemory; sizes != 0; sizes &= sizes - 1)
        {
            var size = 1UL << BitOperations.TrailingZeroCount(sizes);
            var iova = new Iova(0x4000_0000) + size; // behind a page of that size, and before one
            for (var tried = 0UL; tried < 2 * Pages; tried++) // the first byte or the last of a page, alone: a refusal empties caches
            {
                for (var page = -1L; page <= Pages; page++)
                    Map(domain, iova + ((ulong)page * size), 0, size);
                for (var page = -1L; page <= Pages; page++)
                    Touch(page);
                Assert.Equal(Pages * size, domain.Unmap(iova, Pages * size));
                Assert.Equal(DmaStatus.Ok, master.TryRead(iova - 8, out _));
                Assert.Equal(DmaStatus.Ok, master.TryRead(iova + (Pages * size), out _));
                master.IsRefused(iova + (tried / 2 * size) + (tried % 2 == 0 ? 0 : size - 8));
                domain.Unmap(iova - size, size);
                domain.Unmap(iova + (Pages * size), size);

                void Touch(long page)
                {
                    foreach (var at in new[] { iova + ((ulong)page * size), iova + ((ulong)(page + 1) * size) - 8 })
                        Assert.Equal(DmaStatus.Ok, master.TryRead(at, out _));
                }
            }
        }
    }
}
