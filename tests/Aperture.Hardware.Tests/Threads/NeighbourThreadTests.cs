using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Omap;
using Aperture.Datasheets.Tegra;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Omap;
using Aperture.Hardware.Tegra;

namespace Aperture.Hardware.Tests.Threads;

/// <summary>Blocks beside units, whose registers several threads write.</summary>
public sealed class NeighbourThreadTests : IDisposable
{
    private readonly PhysicalMemory _memory = new(new MemoryRange(new PhysicalAddress(0x8000_0000), 1 << 20));

    public void Dispose() => _memory.Dispose();

    /// <summary>Of two writes the register could have the one and the unit the other.</summary>
    [Fact]
    public void The_unit_followed_another_write_than_the_register_kept()
    {
        var smmu = new TegraSmmu(new SystemBus(_memory), new TegraSmmuOptions());
        var arbiter = new TegraAhb(smmu, 0x1000);
        var unit = new OmapMmu(new SystemBus(_memory), OmapMmuOptions.Omap4Ipu);
        var system = new DspSystem();
        system.Connect(0, unit);
        Assert.InRange(Together.Factor, 1, int.MaxValue);
        for (var round = 0; round < 200 * Together.Factor; round++)
        {
            Together.Run(() => Write(round), () => Write(round + 1));
            Assert.True(arbiter.TryRead(TegraAhbRegister.CrossbarControl, 4, out var word));
            Assert.Equal((word & TegraAhbRegister.SmmuInitDone) != 0, smmu.IsAhbReady);
            Assert.True(system.TryRead(DspSystemRegisters.MmuConfig, 4, out word));
            Assert.Equal((word & DspSystemRegisters.EnableBit(0)) != 0, unit.IsSystemEnabled);
        }

        void Write(int first)
        {
            for (var i = first; i < first + 20; i++)
            {
                arbiter.TryWrite(TegraAhbRegister.CrossbarControl, 4, i % 2 == 0 ? TegraAhbRegister.SmmuInitDone : 0);
                system.TryWrite(DspSystemRegisters.MmuConfig, 4, i % 2 == 0 ? DspSystemRegisters.EnableBit(0) : 0);
            }
        }
    }
}
