using Aperture.Core;
using Aperture.Drivers.Tests.Exynos;
using Aperture.Hardware.Exynos;
using Aperture.Iommu;

namespace Aperture.Drivers.Tests.Units;

/// <summary>One of a unit's clocks cannot be switched on.</summary>
public sealed class FailingClockTests
{
    [Theory]
    [InlineData("pclk", false)]
    [InlineData("pclk", true)]
    [InlineData("aclk", false)]
    [InlineData("aclk", true)]
    public void No_clock_is_left_on_and_the_next_resume_works(string name, bool isAlone)
    {
        using var board = new ExynosBoard(SysMmuOptions.V5);
        var unit = board.AddUnit();
        var master = board.AddMaster(unit);
        unit.On();
        var domain = unit.Unit.CreateDomain(DomainType.Unmanaged);
        master.Group.Attach(domain);
        Assert.Equal(Status.Ok, domain.Map(new Iova(0x1000_0000), board.Data, 4096, Protection.ReadWrite));
        unit.Off();
        var clocks = unit.Device.Clocks;
        Assert.All(clocks.Values, clock => Assert.Equal(0, clock.UseCount));
        if (!isAlone)
            clocks.Values.First(clock => clock != clocks[name]).Enable(); // somebody else has the other one
        var before = clocks.Values.Select(clock => clock.UseCount).ToArray();
        var fails = true;
        clocks[name].Changed += on =>
        {
            if (on && fails)
                throw new ApertureException(Status.IoError, "the oscillator is broken");
        };
        for (var round = 0; round < 2; round++)
        {
            Assert.Throws<ApertureException>(unit.On);
            Assert.Equal(before, clocks.Values.Select(clock => clock.UseCount));
        }

        fails = false;
        unit.On();
        master.Reaches(new Iova(0x1000_0000), board.Data);
    }
}
