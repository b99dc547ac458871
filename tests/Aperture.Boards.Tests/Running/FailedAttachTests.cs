using Aperture.Core;
using Aperture.Dma;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Boards.Tests.Running;

/// <summary>Groups whose units do not answer while they change domains.</summary>
public sealed class FailedAttachTests
{
    [Theory]
    [InlineData("apq8064-media")] // the kind that can block without a table
    [InlineData("tegra124-media")]
    [InlineData("exynos4412-media")]
    [InlineData("rk3399-media")]
    [InlineData("smmuv3-media")]
    [InlineData("omap3-isp")]
    public void Masters_whose_attach_failed_on_dead_registers_were_blocked_for_good(string board)
    {
        using var machine = Machine.Boot(Runs.Own(board));
        var master = machine.Masters.First(master => master.Device?.Iommu is not null);
        var units = machine.Units.Where(unit => master.Units.Contains(unit.Name)).ToArray();
        var device = master.Device!;
        var group = device.Iommu!.Group;
        using var domain = device.Iommu.CreateDomain(new DomainRequest(DomainType.Unmanaged));
        var block = device.Dma.Memory.Allocate(4096);
        using var mapping = device.Dma.Map(block, DmaDirection.Bidirectional);
        using var hold = device.Power.Hold();
        foreach (var unit in units)
            unit.Model.IsClocked = false;
        Assert.Throws<ApertureException>(() => group.Attach(domain));
        foreach (var unit in units)
            unit.Model.IsClocked = true;

        Assert.Same(group.DefaultDomain, group.Domain);
        Assert.All(machine.Iommu.Units, unit => Assert.Equal(Status.Ok, unit.TryReprogram()));
        Assert.All(master.Ports, port => Assert.Equal(DmaStatus.Ok, port.Write(mapping.Address, [1, 2, 3, 4], out _)));
        Assert.Equal(new byte[] { 1, 2, 3, 4 }, block.Span[..4].ToArray());
    }
}
