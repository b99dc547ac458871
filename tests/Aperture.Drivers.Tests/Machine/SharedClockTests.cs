using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Omap;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Omap;
using Aperture.Power;

namespace Aperture.Drivers.Tests.Machine;

public class SharedClockTests
{
    [Fact]
    public void Who_started_all_clocks_of_a_unit_finds_it_clocked_whatever_others_do_with_theirs()
    {
        using var memory = new PhysicalMemory(new MemoryRange(new PhysicalAddress(0x8000_0000), 1 << 20));
        var bus = new SystemBus(memory);
        Gate[] clocks = [new(GateKind.Clock, "pclk"), new(GateKind.Clock, "aclk")];
        var deaf = 0;
        Parallel.For(0, 4, number =>
        {
            var unit = new OmapMmu(bus, OmapMmuOptions.Omap3Isp);
            unit.ClockFrom(clocks);
            for (var i = 0; i < 20_000; i++)
            {
                var (first, second) = ((i + number) & 1) == 0 ? (clocks[0], clocks[1]) : (clocks[1], clocks[0]);
                first.Enable();
                second.Enable();
                if (!unit.TryRead(OmapRegisters.Revision, 4, out _))
                    Interlocked.Increment(ref deaf);
                second.Disable();
                first.Disable();
            }
        });

        Assert.Equal(0, deaf);
    }

    [Fact]
    public void A_unit_answers_while_all_its_clocks_run()
    {
        using var memory = new PhysicalMemory(new MemoryRange(new PhysicalAddress(0x8000_0000), 1 << 20));
        var unit = new OmapMmu(new SystemBus(memory), OmapMmuOptions.Omap3Isp);
        Gate[] clocks = [new(GateKind.Clock, "pclk"), new(GateKind.Clock, "aclk")];
        unit.ClockFrom(clocks);
        Assert.False(unit.IsClocked);
        clocks[0].Enable();
        Assert.False(unit.Answers);
        clocks[1].Enable();
        Assert.True(unit.Answers);
        unit.IsClocked = false;
        Assert.False(unit.Answers);
        unit.IsClocked = true;
        clocks[0].Disable();
        Assert.False(unit.Answers);
    }
}
