using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Dma.Spaces;
using Aperture.Iommu;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Dma.Spaces;

/// <summary>C2: several devices do DMA through one address space, and go back to where they were.</summary>
public sealed class DmaSpaceTests : IDisposable
{
    private readonly FakeMachine _machine = new();
    private readonly Device[] _units = [.. Enumerable.Range(0, 3).Select(i => FakeMachine.Device($"u{i}", "iommu"))];
    private readonly Device[] _displays;
    private readonly FakeDomain _domain = new(DomainType.Unmanaged);

    public DmaSpaceTests()
    {
        _machine.UnitDriver();
        _machine.Register(new FakeDriver(_machine.Calls, "display") { ManagesOwnDma = true });
        _machine.Driver("plain");
        _displays = [.. _units.Select((unit, i) => FakeMachine.Master($"d{i}", "display", (unit, 1)))];
        _machine.Core.Add(_units);
        _machine.Core.Add(_displays);
    }

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void C2_a_buffer_of_one_has_one_address_for_all()
    {
        using var space = DmaSpace.Open(_domain, null, _displays);
        Assert.Equal(_displays, space.Devices);
        Assert.Same(_domain, space.Domain);
        Assert.All(_displays, display => Assert.Equal("iommu", display.Dma.Path));
        Assert.All(_displays, display => Assert.Same(_domain, display.Iommu!.Domain));
        using var buffer = _displays[1].Dma.Allocate(0x3000);
        Assert.True(_domain.TryTranslate(buffer.Address + 0x2000, out _));
        var other = _displays[2].Dma.Allocate(0x1000);
        Assert.NotEqual(buffer.Address, other.Address);
        other.Dispose();
    }

    [Fact]
    public void Undo_leaves_every_device_where_it_was()
    {
        var before = new FakeDomain(DomainType.Unmanaged);
        _displays[0].Iommu!.Group.Attach(before);
        Assert.Null(_displays[1].Iommu!.Domain);
        var space = DmaSpace.Open(_domain, null, _displays);
        space.Dispose();
        space.Dispose();
        Assert.Same(before, _displays[0].Iommu!.Domain);
        Assert.Equal(DomainType.Blocked, _displays[1].Iommu!.Domain!.Type);
        Assert.Equal(DomainType.Blocked, _displays[2].Iommu!.Domain!.Type);
        Assert.All(_displays, display => Assert.Equal("none", display.Dma.Path));
        Assert.Contains("gave none to the DMA API",
            Assert.Throws<ApertureException>(() => _displays[0].Dma.Allocate(4096)).Message, StringComparison.Ordinal);
        _domain.Dispose();

        // A second and a third time, with other addresses.
        foreach (var first in (ulong[])[0x10_0000, 0x20_0000])
        {
            using var next = new FakeDomain(DomainType.Unmanaged);
            using var again = DmaSpace.Open(next, new DmaSpaceOptions { First = new Iova(first) }, _displays);
            using var buffer = _displays[0].Dma.Allocate(4096);
            Assert.Equal(new Iova(first), buffer.Address);
        }
    }

    [Fact]
    public void A_device_that_cannot_end_what_it_had_leaves_the_space_all_the_same()
    {
        var space = DmaSpace.Open(_domain, null, _displays);
        _displays[1].Dma.Detaching += _ => throw new ApertureException(Status.IoError, "a buffer stays");
        Assert.Equal("a buffer stays", Assert.Throws<ApertureException>(space.Dispose).Message);
        Assert.All(_displays, display => Assert.NotSame(_domain, display.Iommu!.Domain));
        Assert.Empty(_domain.Units);
    }

    [Fact]
    public void A_window_of_all_addresses_leaves_none()
    {
        using var space = DmaSpace.Open(
            _domain, new DmaSpaceOptions { Reserved = [(default, new Iova(ulong.MaxValue))] }, _displays[0]);
        Assert.Equal(Status.NoSpace, _displays[0].Dma.TryMap(_displays[0].Dma.Memory.Allocate(4096), DmaDirection.ToDevice, out _));
    }

    [Fact]
    public void Addresses_outside_and_windows_inside_stay_the_owners()
    {
        using var space = DmaSpace.Open(_domain, new DmaSpaceOptions
        {
            First = new Iova(0x8000),
            Last = new Iova(0xCFFF),
            Reserved = [(new Iova(0x9000), new Iova(0xA7FF))],
        }, _displays);
        List<ulong> given = [];
        while (_displays[given.Count % 3].Dma.TryMap(_displays[0].Dma.Memory.Allocate(4096), DmaDirection.ToDevice, out var mapping)
            == Status.Ok)
            given.Add(mapping.Address.Value);
        Assert.Equal([0x8000, 0xB000, 0xC000], given.Order().ToList());
        foreach (var address in given)
            _domain.Unmap(new Iova(address), 4096);
    }

    [Fact]
    public void Addresses_that_are_given_out_cannot_be_chosen_again()
    {
        using var space = DmaSpace.Open(_domain, null, _displays[0]);
        Assert.Equal(Status.Busy, Refused(() => DmaSpace.Open(_domain, new DmaSpaceOptions(), _displays[1])));
        using var more = DmaSpace.Open(_domain, null, _displays[1]);
        using var one = _displays[0].Dma.Allocate(4096);
        using var two = _displays[1].Dma.Allocate(4096);
        Assert.NotEqual(one.Address, two.Address);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void When_one_cannot_join_nobody_has_moved(int failing)
    {
        var unit = _machine.Units[$"u{failing - 1}"];
        unit.AcceptsNothing = true;
        Assert.Equal(Status.InvalidArgument, Refused(() => DmaSpace.Open(_domain, null, _displays)));
        Assert.All(_displays, display => Assert.NotSame(_domain, display.Iommu!.Domain));
        Assert.All(_displays, display => Assert.Equal("none", display.Dma.Path));
        _domain.Dispose(); // nobody is in it
        unit.AcceptsNothing = false;
        using var next = new FakeDomain(DomainType.Unmanaged);
        using var space = DmaSpace.Open(next, new DmaSpaceOptions { First = new Iova(0x5000) }, _displays);
        Assert.All(_displays, display => Assert.Same(next, display.Iommu!.Domain));
    }

    [Fact]
    public void C2_the_default_domain_of_one_serves_all_and_outlives_it()
    {
        var unit = FakeMachine.Device("u3", "iommu");
        var plain = FakeMachine.Master("p", "plain", (unit, 1));
        _machine.Core.Add(unit, plain);
        var domain = (FakeDomain)plain.Iommu!.Group.DefaultDomain!;
        var space = DmaSpace.OpenDefaultOf(plain, _displays);
        using (var buffer = plain.Dma.Allocate(4096))
        {
            Assert.All(_displays, display => Assert.Same(domain, display.Iommu!.Domain));
            using var other = _displays[0].Dma.Allocate(4096);
            Assert.NotEqual(buffer.Address, other.Address);
        }

        _machine.Core.Unbind(unit); // and its master with it
        Assert.False(domain.IsDisposed);
        using (var buffer = _displays[1].Dma.Allocate(4096))
            Assert.True(domain.TryTranslate(buffer.Address, out _));
        space.Dispose();
        Assert.True(domain.IsDisposed);
        Assert.All(_displays, display => Assert.Equal(DomainType.Blocked, display.Iommu!.Domain!.Type));
    }

    [Fact]
    public void Who_cannot_take_part_is_named()
    {
        var unit = FakeMachine.Device("u3", "iommu");
        var plain = FakeMachine.Master("p", "plain", (unit, 1));
        var idle = FakeMachine.Master("idle", "nobody", (unit, 2));
        var free = FakeMachine.Device("free", "display");
        _machine.Core.Add(unit, plain, idle, free);
        Says(Status.Busy, "p does DMA through a domain already", () => DmaSpace.Open(_domain, null, plain));
        Says(Status.NoDevice, "idle has no driver", () => DmaSpace.Open(_domain, null, idle));
        Says(Status.NotSupported, "free is behind no IOMMU", () => DmaSpace.Open(_domain, null, _displays[0], free));
        Says(Status.NotSupported, "d0 cannot do DMA through a domain of type Identity",
            () => DmaSpace.Open(_machine.Iommu.Identity, null, _displays[0]));
        Says(Status.InvalidArgument, "needs a device", () => DmaSpace.Open(_domain, null));
        Says(Status.NotSupported, "d1 is in no default domain", () => DmaSpace.OpenDefaultOf(_displays[1], _displays[0]));
        Says(Status.InvalidArgument, $"{new Iova(0x9000)} to {new Iova(0x8000)} are no device addresses",
            () => DmaSpace.Open(_domain, new DmaSpaceOptions { First = new Iova(0x9000), Last = new Iova(0x8000) }, _displays));
        Says(Status.InvalidArgument, $"a reserved window ends at {new Iova(0x8000)}, before it begins at {new Iova(0x9000)}",
            () => DmaSpace.Open(_domain, new DmaSpaceOptions { Reserved = [(new Iova(0x9000), new Iova(0x8000))] }, _displays));
        Assert.All(_displays, display => Assert.Null(display.Iommu!.Domain));
        _displays[2].Iommu!.Group.Claim(this);
        Says(Status.Busy, "d2 cannot leave with group", () => DmaSpace.Open(_domain, null, _displays));
        Assert.All(_displays[..2], display => Assert.Null(display.Iommu!.Domain));
    }

    [Fact]
    public void A_driver_that_goes_leaves_the_space()
    {
        var space = DmaSpace.Open(_domain, null, _displays);
        _machine.Core.Unbind(_displays[1]);
        using (var buffer = _displays[0].Dma.Allocate(4096))
            Assert.True(_domain.TryTranslate(buffer.Address, out _));
        space.Dispose();
        Assert.Equal(DomainType.Blocked, _displays[0].Iommu!.Domain!.Type);
        _domain.Dispose();
    }

    private static void Says(Status status, string what, Action action)
    {
        var failure = Assert.Throws<ApertureException>(action);
        Assert.Equal(status, failure.Status);
        Assert.Contains(what, failure.Message, StringComparison.Ordinal);
    }

    private static Status Refused(Action action) => Assert.Throws<ApertureException>(action).Status;
}
