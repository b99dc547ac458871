using Aperture.Core;
using Aperture.Devices;
using Aperture.Iommu;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Iommu;

/// <summary>C3: doorbells of message-signalled interrupts in whatever domain is in force, each page once.</summary>
public sealed class DoorbellTests : IDisposable
{
    private static readonly PhysicalAddress s_doorbell = new(0x0802_0040);
    private static readonly Iova s_window = new(0x0800_0000);
    private readonly FakeMachine _machine = new();
    private readonly Device _unit = FakeMachine.Device("u", "iommu");
    private readonly Device _own;
    private readonly Device _plain;

    public DoorbellTests()
    {
        _machine.UnitDriver();
        _machine.Register(new FakeDriver(_machine.Calls, "own") { ManagesOwnDma = true });
        _machine.Driver("plain");
        _plain = FakeMachine.Master("plain", "plain", (_unit, 2));
        var described = FakeMachine.Master("own", "own", (_unit, 1)).Description;
        _own = new Device("own")
        {
            Description = described with
            {
                Identity = described.Identity! with
                {
                    Reservations = [new IovaReservation(s_window, s_window + 0x1FFF, ReservationKind.SoftwareMsi)],
                },
            },
        };
        _machine.Core.Add(_unit, _own, _plain);
    }

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void C3_a_page_is_mapped_once_for_a_domain_and_goes_with_the_last()
    {
        using var domain = new FakeDomain(DomainType.Unmanaged);
        var group = _own.Iommu!.Group;
        group.Attach(domain);
        for (var time = 0; time < 3; time++)
        {
            var one = group.MapDoorbell(s_doorbell);
            var two = group.MapDoorbell(s_doorbell + 4);
            Assert.Equal(s_window + 0x40, one.Address);
            Assert.Equal(s_window + 0x44, two.Address);
            Assert.Equal(1, domain.Count);
            Assert.Equal(Protection.Write | Protection.Mmio, domain.RightsAt(s_window));
            one.Dispose();
            one.Dispose();
            Assert.Equal(1, domain.Count);
            var commits = domain.Commits;
            two.Dispose();
            Assert.Equal(0, domain.Count);
            Assert.Equal(commits + 1, domain.Commits); // the unit was told
        }

        group.Detach(domain);
    }

    [Fact]
    public void Doorbells_keep_out_of_what_the_owner_mapped_and_end_with_the_window()
    {
        using var domain = new FakeDomain(DomainType.Unmanaged);
        var group = _own.Iommu!.Group;
        group.Attach(domain);
        Assert.Equal(Status.Ok, domain.Map(s_window, new PhysicalAddress(0x5000_0000), 4096, Protection.ReadWrite));
        using (var doorbell = group.MapDoorbell(s_doorbell))
        {
            Assert.Equal(s_window + 0x1040, doorbell.Address);
            Refused(Status.NoSpace, "all device addresses for doorbells lead somewhere", () => group.MapDoorbell(s_doorbell + 0x1000));
        }

        using (var other = group.MapDoorbell(s_doorbell + 0x1000))
            Assert.Equal(s_window + 0x1040, other.Address);
        group.Detach(domain);
    }

    [Fact]
    public void In_a_domain_of_the_DMA_API_a_doorbell_has_an_address_like_any_other()
    {
        var group = _plain.Iommu!.Group;
        var domain = (FakeDomain)group.DefaultDomain!;
        _plain.Dma.Allocate(4096);
        var before = domain.Count;
        var doorbell = group.MapDoorbell(s_doorbell);
        Assert.True(domain.TryTranslate(doorbell.Address, out var leadsTo));
        Assert.Equal(s_doorbell, leadsTo);
        var address = doorbell.Address;
        doorbell.Dispose();
        Assert.Equal(before, domain.Count);
        using var again = group.MapDoorbell(s_doorbell);
        Assert.Equal(address, again.Address); // it was given back
    }

    [Fact]
    public void Where_no_table_stands_between_the_address_is_the_doorbells()
    {
        using var none = _own.Iommu!.Group.MapDoorbell(s_doorbell);
        Assert.Equal(s_doorbell.Value, none.Address.Value);
        _own.Iommu.Group.Attach(_machine.Iommu.Identity);
        using var passing = _own.Iommu.Group.MapDoorbell(s_doorbell);
        Assert.Equal(s_doorbell.Value, passing.Address.Value);
    }

    [Fact]
    public void Without_a_place_for_doorbells_they_are_refused_by_name()
    {
        var group = _plain.Iommu!.Group;
        using var domain = new FakeDomain(DomainType.Unmanaged);
        group.Attach(domain);
        Refused(Status.NotSupported, "no unit keeps device addresses for doorbells (SoftwareMsi)", () => group.MapDoorbell(s_doorbell));
        Assert.Equal(0, domain.Count);
        group.Detach(domain);
    }

    [Fact]
    public void A_window_that_ends_with_the_address_space_ends()
    {
        var first = new Iova(ulong.MaxValue - 0x1FFF);
        var unit = FakeMachine.Device("v", "iommu");
        var described = FakeMachine.Master("top", "own", (unit, 1)).Description;
        var top = new Device("top")
        {
            Description = described with
            {
                Identity = described.Identity! with
                {
                    Reservations = [new IovaReservation(first, new Iova(ulong.MaxValue), ReservationKind.SoftwareMsi)],
                },
            },
        };
        _machine.Core.Add(unit, top);
        using var domain = new FakeDomain(DomainType.Unmanaged, end: ulong.MaxValue);
        top.Iommu!.Group.Attach(domain);
        Assert.Equal(Status.Ok, domain.Map(first, new PhysicalAddress(0x5000_0000), 8192, Protection.ReadWrite));
        Refused(Status.NoSpace, "all device addresses for doorbells lead somewhere", () => top.Iommu.Group.MapDoorbell(s_doorbell));
        top.Iommu.Group.Detach(domain);
    }

    [Fact]
    public void A_page_that_cannot_be_mapped_takes_no_address()
    {
        var group = _plain.Iommu!.Group;
        var domain = (FakeDomain)group.DefaultDomain!;
        _plain.Dma.Allocate(4096);
        var expected = group.MapDoorbell(s_doorbell);
        var address = expected.Address;
        expected.Dispose();
        domain.FailAfter = 0;
        Refused(Status.NoMemory, "NoMemory", () => group.MapDoorbell(s_doorbell));
        using var after = group.MapDoorbell(s_doorbell);
        Assert.Equal(address, after.Address);
    }

    private static void Refused(Status status, string why, Action action)
    {
        var failure = Assert.Throws<ApertureException>(action);
        Assert.Equal(status, failure.Status);
        Assert.Contains(why, failure.Message, StringComparison.Ordinal);
    }
}
