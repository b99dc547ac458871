using Aperture.Drivers.SmmuV3;

namespace Aperture.Drivers.Tests.SmmuV3;

public sealed class RangeTests
{
    [Theory]
    [InlineData(1UL, 1)]
    [InlineData(31UL, 1)]
    [InlineData(32UL, 1)]
    [InlineData(33UL, 2)]
    [InlineData(512UL, 1)]
    [InlineData(513UL, 2)]
    [InlineData(0x1_0001UL, 2)]
    [InlineData(0xFFFFUL, 4)]
    public void A_range_takes_so_many_commands(ulong pages, int commands) => Assert.Equal(commands, SmmuV3Range.Count(pages));

    [Fact]
    public void Pieces_cover_a_range_and_nothing_else()
    {
        var random = new Random(11);
        for (var round = 0; round < 100_000; round++)
        {
            var pages = (ulong)random.NextInt64() >> random.Next(63);
            var range = new SmmuV3Range(pages);
            ulong covered = 0;
            while (range.TryTake(out var number, out var scale))
            {
                Assert.InRange(number, 1, 32);
                Assert.InRange(scale, 0, 31);
                covered += (ulong)number << scale;
                if (covered == 0)
                    break;
                if (pages - covered > 1UL << 40 && scale == 31)
                    break; // larger than any address space: it only takes long
            }

            Assert.True(covered <= pages);
            if (pages < 1UL << 36)
                Assert.Equal(pages, covered);
        }
    }
}
