using Aperture.Core;
using Aperture.Hardware.Exynos;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Drivers.Tests.Exynos;

/// <summary>Version 2, whose cache has sets: a page larger than 4 KiB may lie in as many of them as it has smallest pages.</summary>
public sealed class ExynosSetTests
{
    private static readonly Iova s_iova = new(0x1000_0000);

    [Theory]
    [InlineData(1UL << 12)]
    [InlineData(1UL << 16)]
    [InlineData(1UL << 20)]
    public void An_unmap_is_told_to_every_set_that_may_hold_the_page(ulong size)
    {
        Assert.InRange(size, 4096UL, 1UL << 20);
        using var board = new ExynosBoard(SysMmuOptions.V2);
        var unit = board.AddUnit();
        unit.On();
        var master = board.AddMaster(unit);
        var domain = unit.Unit.CreateDomain(DomainType.Unmanaged);
        master.Group.Attach(domain);
        for (ulong tried = 0; tried < size; tried += 4096)
        {
            Assert.Equal(Status.Ok, domain.Map(s_iova, board.Data, size, Protection.ReadWrite));
            for (ulong offset = 0; offset < size; offset += 4096)
                Assert.Equal(DmaStatus.Ok, master.TryRead(s_iova + offset, out _));
            Assert.Equal(size, domain.Unmap(s_iova, size));
            master.IsRefused(s_iova + tried); // one a round: it brings the unit up afresh
        }
    }
}
