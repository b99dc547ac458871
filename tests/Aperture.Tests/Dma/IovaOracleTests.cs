using Aperture.Core;
using Aperture.Core.Addresses;

namespace Aperture.Tests.Dma;

/// <summary>Random operations on spaces of all sizes against a plain reference: what is given out is free, aligned and within the limit,
/// what is refused does not exist, and what is not taken cannot be freed.</summary>
public class IovaOracleTests
{
    private const int Operations = 20_000; // 1,250,000 each, ten million together, were run once by hand

    [Theory]
    [InlineData(1, 0x1000ul, 0x7_FFFFul, 4)]                     // 128 pages
    [InlineData(2, 0x1000ul, 0x3F_FFFFul, 40)]                   // 1024 pages
    [InlineData(3, 0x1000ul, 0x3E_DFFFul, 300)]                  // no whole number of words
    [InlineData(4, 0x1_0000ul, 0xFFFF_FFFFul, 300)]              // pages of 64 KiB
    [InlineData(5, 0x1000ul, 0xFFFF_FFFFul, 100_000)]            // nearly as large as the space
    [InlineData(6, 0x1000ul, 0xF_FFFF_FFFFul, 1 << 22)]
    [InlineData(7, 0x1000ul, 0xFFFF_FFFF_FFFFul, 3000)]
    [InlineData(8, 0x1000ul, ulong.MaxValue, int.MaxValue)]
    public void Agrees_with_a_set_of_ranges(int seed, ulong page, ulong last, int largest)
    {
        var random = new Random(seed);
        var space = new IovaSpace(page, new Iova(last));
        var pages = (last / page) + 1;
        var reference = new IovaReference(pages);
        var live = new List<(ulong First, ulong Count)>();
        for (var i = 0; i < Operations; i++)
        {
            var where = $"seed {seed}, operation {i}";
            switch (random.Next(100))
            {
                case < 48 when live.Count > 0:
                    var at = random.Next(live.Count);
                    var (first, count) = live[at];
                    live[at] = live[^1];
                    live.RemoveAt(live.Count - 1);
                    space.Free(new Iova(first * page), count * page);
                    reference.Free(first, count);
                    break;
                case < 50 when live.Count > 0:
                    var (known, size) = live[random.Next(live.Count)];
                    Assert.Throws<ApertureException>(() => space.Free(new Iova(known * page), (size + 1) * page));
                    Assert.Throws<ApertureException>(() => space.Free(new Iova(((known + 1) * page) - 1), size * page));
                    if (size > 1)
                        Assert.Throws<ApertureException>(() => space.Free(new Iova((known + 1) * page), (size - 1) * page));
                    break;
                case 50 when i % 50 == 0:
                    var (from, length) = (Place(), (ulong)random.Next(1, 4));
                    space.Reserve(new Iova(from * page), length * page);
                    reference.Reserve(from, Math.Min(length, pages - from));
                    break;
                case 51:
                    var (start, wanted) = (Place(), Count());
                    var isFree = reference.IsFree(start, wanted);
                    Assert.True(isFree == space.TryTake(new Iova(start * page), wanted * page),
                        $"{where}: {wanted} pages at {start} are {(isFree ? "free" : "taken")}");
                    if (!isFree)
                        break;
                    reference.Take(start, wanted);
                    live.Add((start, wanted));
                    break;
                default:
                    Allocate(where);
                    break;
            }

            Assert.Equal(reference.TakenPages * page, space.UsedBytes);
        }

        void Allocate(string where)
        {
            var count = Count();
            var limit = random.Next(4) == 0 ? (Place() * page) + (ulong)random.NextInt64((long)page) : last;
            var end = limit == last ? pages : (limit + 1) / page;
            if (!space.TryAllocate((count * page) - (ulong)random.NextInt64((long)page), new Iova(limit), out var start))
            {
                Assert.False(reference.HasRoom(count, end), $"{where}: there is room for {count} pages below page {end}");
                return;
            }

            var first = start.Value / page;
            Assert.True(start.IsAligned(page * IovaReference.Alignment(count)) && first + count <= end,
                $"{where}: {count} pages at {start} with limit 0x{limit:x}");
            Assert.True(reference.IsFree(first, count), $"{where}: {start} was taken");
            reference.Take(first, count);
            live.Add((first, count));
        }

        ulong Place() => Math.Max(1, (ulong)random.NextInt64((long)pages) >> (random.Next(2) * random.Next(40)));

        // Mostly small ones; all sizes are as likely as their logarithms.
        ulong Count() => (ulong)(random.Next(4) == 0 ? random.Next(1, (1 << random.Next(1, 1 + (int)Math.Log2(largest))) + 1)
            : random.Next(1, Math.Min(largest, 9)));
    }
}
