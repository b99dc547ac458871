using Aperture.Datasheets.Omap;
using Aperture.Hardware.Omap;
using Aperture.Iommu;

namespace Aperture.Drivers.Tests.Omap;

/// <summary>Two MMUs behind one DSP.</summary>
public sealed class OmapDspTests
{
    [Fact]
    public void Each_mmu_has_its_enable_bit_and_both_one_table()
    {
        using var board = new OmapBoard(OmapMmuOptions.Dra7Dsp, new() { NeedsSystem = true });
        var units = new[] { board.AddUnit(), board.AddUnit() };
        var master = board.AddMaster(units);
        var domain = units[0].Unit.CreateDomain(DomainType.Unmanaged);
        master.Group.Attach(domain);
        Assert.Equal(0u, Config());
        units[0].On();
        Assert.Equal(1u, Config());
        units[1].On();
        Assert.Equal(0x11u, Config());
        Assert.Equal(units[0].Device.Registers[0].Read32(OmapRegisters.TableBase), units[1].Device.Registers[0]
            .Read32(OmapRegisters.TableBase));
        units[0].Off();
        Assert.Equal(0x10u, Config());
        units[1].Off();
        Assert.Equal(0u, Config());

        uint Config() => units[0].Device.Registers[1].Read32(DspSystemRegisters.MmuConfig);
    }
}
