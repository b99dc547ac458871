using Aperture.Core;
using Aperture.Hardware.Omap;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Drivers.Tests.Omap;

/// <summary>What an access hears that leads nowhere: a bus error where the description says so, else it is held.</summary>
public sealed class OmapRefusalTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_a_refusal_is_does_not_change_with_power_cycles(bool busErrorBack)
    {
        using var board = new OmapBoard(OmapMmuOptions.Omap4Ipu, new() { BusErrorBack = busErrorBack });
        var unit = board.AddUnit();
        var master = board.AddMaster(unit);
        unit.On();
        master.Group.Attach(unit.Unit.CreateDomain(DomainType.Unmanaged));
        Assert.Equal(!busErrorBack, unit.Unit.Capabilities.CanStall);
        var iova = new Iova(0x1000_0000);
        for (var cycle = 0; cycle < 4; cycle++)
        {
            Assert.Equal(busErrorBack ? DmaStatus.Refused : DmaStatus.Stalled, master.TryRead(iova, out _));
            master.Group.Replace(unit.Unit.CreateDomain(DomainType.Unmanaged)); // ends what is held
            Assert.Equal(busErrorBack ? DmaStatus.Refused : DmaStatus.Stalled, master.TryWrite(iova, 1));
            unit.Cycle(losesState: cycle != 2);
        }
    }
}
