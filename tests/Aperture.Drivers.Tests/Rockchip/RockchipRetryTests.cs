using Aperture.Core;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Drivers.Tests.Rockchip;

/// <summary>A fault that a handler mends.</summary>
public sealed class RockchipRetryTests
{
    /// <summary>The recorded driver drops all before it lets the access go on: what the unit has read of the tables may be from before the
    /// fault was mended.</summary>
    [Fact]
    public void All_that_the_unit_knows_is_dropped_before_the_access_goes_on()
    {
        using var board = new RockchipBoard(new());
        var unit = board.AddUnit();
        var master = board.AddMaster(unit);
        unit.On();
        var domain = unit.Unit.CreateDomain(DomainType.Unmanaged);
        master.Group.Attach(domain);
        var (known, missing) = (new Iova(0x1000_0000), new Iova(0x2000_0000));
        domain.FaultHandler = (in FaultReport _) =>
            domain.Map(missing, board.Data, 4096, Protection.ReadWrite) == Status.Ok ? FaultResponse.Retry : FaultResponse.Unhandled;
        Assert.Equal(Status.Ok, domain.Map(known, board.Data + 4096, 4096, Protection.ReadWrite));
        for (var round = 0; round < 2; round++)
        {
            Assert.Equal(DmaStatus.Ok, master.TryRead(known, out _));
            var walks = unit.Model.Counters.Misses;
            Assert.Equal(DmaStatus.Ok, master.TryRead(known, out _));
            Assert.Equal(walks, unit.Model.Counters.Misses);
            Assert.Equal(DmaStatus.Ok, master.TryRead(missing, out _));
            walks = unit.Model.Counters.Misses;
            Assert.Equal(DmaStatus.Ok, master.TryRead(known, out _));
            Assert.Equal(walks + 1, unit.Model.Counters.Misses);
            domain.Unmap(missing, 4096);
        }
    }
}
