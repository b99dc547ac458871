using Aperture.Boards.Tests.Running;
using Aperture.Core;
using Aperture.Iommu;

namespace Aperture.Boards.Tests.Docs;

/// <summary>The examples of docs/iommu-api.md.</summary>
public class IommuRecipeTests
{
    [Fact]
    public void Space_of_ones_own()
    {
        using var machine = Machine.Boot(Runs.Own("tegra124-media"));
        var device = machine.Masters[0].Device!;
        var group = device.Iommu!.Group;
        var block = device.Dma.Memory.Allocate(0x2000);

        using var domain = device.Iommu!.CreateDomain(new DomainRequest(DomainType.Unmanaged) { PageSizes = 0x1000, InputBits = 28 });
        group.Attach(domain);
        Assert.Equal(Status.Ok, domain.Map(new Iova(0x10_0000), block.Address, 0x2000, Protection.ReadWrite));
        Assert.Equal(0x2000ul, domain.Unmap(new Iova(0x10_0000), 0x2000));
        group.Detach(domain);
        Assert.Equal(Status.OutOfRange, domain.Map(new Iova(1 << 28), block.Address, 0x1000, Protection.ReadWrite));
    }

    [Fact]
    public void What_a_unit_lacks()
    {
        using var machine = Machine.Boot(Runs.Own("tegra124-media"));
        var device = machine.Masters[0].Device!;
        var failure = Assert.Throws<ApertureException>(
            () => device.Iommu!.CreateDomain(new DomainRequest(DomainType.Unmanaged) { TracksDirty = true }));
        Assert.Contains("no account of written pages (DirtyTracking)", failure.Message, StringComparison.Ordinal);
    }
}
