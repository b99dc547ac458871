using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Iommu;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Dma.Spaces;

/// <summary>C3: while a group is in a domain that is not for the DMA API, that maps nothing, and ends what it mapped before.</summary>
public sealed class ForeignDomainTests : IDisposable
{
    private readonly FakeMachine _machine = new();
    private readonly Device _unit = FakeMachine.Device("u", "iommu");
    private readonly Device _master;

    public ForeignDomainTests()
    {
        _machine.UnitDriver();
        _machine.Driver("plain");
        _master = FakeMachine.Master("m", "plain", (_unit, 1));
        _machine.Core.Add(_unit, _master);
    }

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void C3_every_way_to_map_is_refused_by_name_and_works_again()
    {
        var dma = _master.Dma;
        var group = _master.Iommu!.Group;
        var memory = dma.Memory.Allocate(8192);
        for (var time = 0; time < 3; time++)
        {
            using var domain = new FakeDomain(DomainType.Unmanaged);
            var before = dma.Map(memory, DmaDirection.ToDevice);
            group.Attach(domain);
            Refused(() => dma.Map(memory, DmaDirection.ToDevice));
            Refused(() => dma.MapAt(memory, new Iova(0x7000_0000), DmaDirection.ToDevice));
            Refused(() => dma.MapResource(new PhysicalAddress(0xF000_0000), 4096, DmaDirection.FromDevice));
            Refused(() => dma.Allocate(4096));
            Refused(() => dma.MapScatter([memory], new DmaSegment[1], DmaDirection.ToDevice));
            dma.SetMask(32); // chooses anew
            Refused(() => dma.Map(memory, DmaDirection.ToDevice));
            Assert.Equal(0, domain.Count);
            before.Dispose();
            Assert.False(group.DefaultDomain!.TryTranslate(before.Address, out _));
            group.Detach(domain);
            using var after = dma.Map(memory, DmaDirection.ToDevice);
            Assert.True(group.DefaultDomain.TryTranslate(after.Address, out _));
        }
    }

    [Fact]
    public void C3_a_device_whose_addresses_pass_unchanged_is_refused_as_well()
    {
        _machine.Core.Unbind(_unit);
        _machine.Iommu.DefaultDomainType = DomainType.Identity;
        _machine.Core.Bind(_unit);
        var memory = _master.Dma.Memory.Allocate(4096);
        Assert.Equal("direct", _master.Dma.Path);
        _master.Dma.Map(memory, DmaDirection.ToDevice).Dispose();
        using var domain = new FakeDomain(DomainType.Unmanaged);
        _master.Iommu!.Group.Attach(domain);
        Refused(() => _master.Dma.Map(memory, DmaDirection.ToDevice));
        _master.Iommu.Group.Detach(domain);
        _master.Dma.Map(memory, DmaDirection.ToDevice).Dispose();
    }

    private static void Refused(Action action)
    {
        var failure = Assert.Throws<ApertureException>(action);
        Assert.Equal(Status.Busy, failure.Status);
        Assert.Contains("m could not", failure.Message, StringComparison.Ordinal);
        Assert.Contains(
            "its group is in a domain of type Unmanaged that is not for the DMA API", failure.Message, StringComparison.Ordinal);
    }
}
