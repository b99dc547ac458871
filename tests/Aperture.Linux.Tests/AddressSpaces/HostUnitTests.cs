using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Iommu;
using Aperture.Linux.AddressSpaces;
using Aperture.Linux.Hosts;
using Aperture.Linux.Memory;
using Aperture.Linux.Tests.Fakes;

namespace Aperture.Linux.Tests.AddressSpaces;

/// <summary>The driver core, the IOMMU API and the DMA API on top of a kernel's address spaces.</summary>
public sealed class HostUnitTests : IDisposable
{
    private readonly HostMemory _memory = new(HugePages.Never);
    private readonly FakeSpace _space = new();
    private readonly IommuCore _iommu = new(new NoTableMemory());
    private readonly DriverCore _drivers;
    private readonly HostUnit _unit;

    public HostUnitTests()
    {
        _drivers = new DriverCore(_iommu, _memory);
        _drivers.Register(new FakeClient());
        _unit = Register(_space);
    }

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void Devices_of_a_group_share_a_domain()
    {
        var first = Add("a", _unit);
        var second = Add("b", _unit);
        first.Dma.Map(_memory.Allocate(4096), DmaDirection.ToDevice);
        Assert.Same(first.Iommu!.Domain, second.Iommu!.Domain);
        Assert.Equal(Protection.Read, Assert.Single(_space.Mappings).Value.Protection);
        _drivers.Remove(first);
        Assert.Single(_space.Mappings); // the other one is still there
        _drivers.Remove(second);
        Assert.Empty(_space.Mappings);
    }

    [Fact]
    public void The_window_of_interrupt_messages_is_never_given_out()
    {
        var space = new FakeSpace("IOMMU group 2") { Given = [new(default, new(0xFFFF)), new(new(0x2_0000), new(0x2_FFFF))] };
        var device = Add("a", Register(space));
        var mappings = new List<DmaMapping>();
        while (device.Dma.TryMap(_memory.Allocate(4096), DmaDirection.ToDevice, out var mapping) == Status.Ok)
            mappings.Add(mapping);
        Assert.Equal(0x1F_000UL, (ulong)mappings.Count << 12); // all but page zero
        Assert.DoesNotContain(mappings, mapping => mapping.Address.Value is > 0xFFFF and < 0x2_0000);
    }

    [Fact]
    public void A_failed_map_says_what_to_do()
    {
        var device = Add("a", _unit);
        _space.FailsNext = Status.NoMemory;
        Assert.Contains("pin the memory",
            Assert.Throws<ApertureException>(() => device.Dma.Map(_memory.Allocate(4096), DmaDirection.ToDevice)).Message);
        _space.FailsNext = Status.NoSpace;
        Assert.Contains("dma_entry_limit",
            Assert.Throws<ApertureException>(() => device.Dma.Map(_memory.Allocate(4096), DmaDirection.ToDevice)).Message);
    }

    [Fact]
    public void Neighbours_in_a_scatterlist_are_one_mapping()
    {
        var device = Add("a", _unit);
        var block = _memory.Allocate(64 * 4096);
        var pieces = Enumerable.Range(0, 64).Select(page => block.Slice(page * 4096, 4096)).ToArray();
        var calls = _space.Calls;
        using (device.Dma.MapScatter(pieces, new DmaSegment[64], DmaDirection.Bidirectional))
            Assert.Equal(64UL * 4096, Assert.Single(_space.Mappings).Value.Size);
        Assert.Equal(calls + 2, _space.Calls);
        (pieces[10], pieces[20]) = (pieces[20], pieces[10]);
        using (device.Dma.MapScatter(pieces, new DmaSegment[64], DmaDirection.Bidirectional))
            Assert.Equal(5, _space.Mappings.Count);
        Assert.Empty(_space.Mappings);
    }

    [Fact]
    public void A_scatterlist_that_does_not_fit_is_not_mapped_at_all()
    {
        var device = Add("a", _unit);
        var pieces = Enumerable.Range(0, 8).Select(_ => _memory.Allocate(8192).Slice(0, 4096)).ToArray();
        _space.MaxMappings = 5;
        for (var i = 0; i < 3; i++)
            Assert.Throws<ApertureException>(() => { device.Dma.MapScatter(pieces, new DmaSegment[8], DmaDirection.ToDevice); });
        Assert.Empty(_space.Mappings);
    }

    [Fact]
    public void A_buffer_that_shares_its_page_goes_through_another_one_unless_asked_for()
    {
        var block = _memory.Allocate(4096);
        block.Span.Fill(0x55);
        var careful = Add("a", _unit);
        Assert.Equal("iommu+bounce", careful.Dma.Path);
        using (var mapping = careful.Dma.Map(block.Slice(100, 8), DmaDirection.FromDevice))
        {
            careful.Iommu!.Domain!.TryTranslate(mapping.Address, out var address);
            Assert.NotEqual(block.Address + 100, address);
        }

        var careless = Add("b", Register(new FakeSpace("IOMMU group 2")), isUntrusted: false);
        using var direct = careless.Dma.Map(block.Slice(100, 8), DmaDirection.FromDevice);
        careless.Iommu!.Domain!.TryTranslate(direct.Address, out var same);
        Assert.Equal(block.Address + 100, same);
    }

    [Fact]
    public void Managed_memory_is_mapped_where_it_is()
    {
        var device = Add("a", _unit, isUntrusted: false);
        var array = new byte[1 << 20];
        using var mapping = device.Dma.MapManaged(array, DmaDirection.Bidirectional);
        device.Iommu!.Domain!.TryTranslate(mapping.Mapping.Address, out var address);
        array[0] = 0x5A;
        unsafe
        {
            Assert.Equal(0x5A, *(byte*)address.Value);
        }
    }

    [Fact]
    public void Memory_of_a_forgotten_mapping_is_free_when_the_driver_has_let_go()
    {
        var device = Add("a", _unit);
        var block = _memory.Allocate(4096);
        device.Dma.Map(block, DmaDirection.FromDevice);
        _memory.Free(block);
        Assert.Equal(4096UL, _memory.QuarantinedBytes);
        _drivers.Remove(device);
        Assert.Equal(0UL, _memory.QuarantinedBytes);
    }

    [Fact]
    public void A_domain_may_be_in_force_for_several_groups()
    {
        var second = new FakeSpace("IOMMU group 2");
        var a = Add("a", _unit);
        var b = Add("b", Register(second));
        using var domain = _unit.CreateDomain(DomainType.Unmanaged);
        domain.Map(new(0x10_0000), new(0x7000_0000), 0x2000, Protection.ReadWrite);
        a.Iommu!.Group.Replace(domain);
        b.Iommu!.Group.Replace(domain);
        domain.Map(new(0x20_0000), new(0x7000_0000), 0x1000, Protection.Read);
        Assert.Equal(2, _space.Mappings.Count);
        Assert.Equal(_space.Mappings, second.Mappings);
        a.Iommu.Group.Detach(domain);
        Assert.Empty(_space.Mappings);
        b.Iommu.Group.Detach(domain);
        Assert.Empty(second.Mappings);
    }

    [Fact]
    public void A_group_that_cannot_go_into_a_domain_stays_where_it_was()
    {
        var device = Add("a", _unit);
        using var mapping = device.Dma.Map(_memory.Allocate(4096), DmaDirection.ToDevice);
        var before = _space.Mappings.ToArray();
        using var domain = _unit.CreateDomain(DomainType.Unmanaged);
        domain.Map(new(0x10_0000), new(0x7000_0000), 0x1000, Protection.Read);
        _space.FailsNext = Status.NoMemory;
        Assert.Equal(Status.NoMemory, Assert.Throws<ApertureException>(() => device.Iommu!.Group.Replace(domain)).Status);
        Assert.Equal(before, _space.Mappings);
    }

    [Fact]
    public void A_kernel_that_lists_no_range_was_an_exception_of_an_index()
    {
        var unit = Register(new FakeSpace("IOMMU group 2") { Given = [] });
        Assert.Equal(default, unit.Capabilities.ApertureEnd);
        using var domain = unit.CreateDomain(DomainType.Unmanaged);
        Assert.Equal((default, default), (domain.ApertureStart, domain.ApertureEnd));
        Assert.Equal(Status.OutOfRange, domain.Map(new(0x1000), new(0x7000_0000), 0x1000, Protection.Read));
        Assert.Contains("can map no device address at all", domain.Explain(Status.OutOfRange));
    }

    [Fact]
    public void Memory_that_the_kernel_did_not_unmap_left_its_quarantine()
    {
        var domain = (HostDomain)_unit.CreateDomain(DomainType.Unmanaged);
        Assert.Equal(Status.Ok, domain.Join(_space));
        var block = _memory.Allocate(4096);
        domain.Map(new(0x10_0000), block.Address, 4096, Protection.ReadWrite);
        _space.UnmapAllFails = true;
        Assert.Equal(Status.IoError, domain.Leave(_space));
        _memory.Free(block);
        Assert.Single(_space.Mappings); // the device still reaches it
        Assert.Equal(4096UL, _memory.QuarantinedBytes);
        domain.Dispose();
        Assert.Equal(4096UL, _memory.QuarantinedBytes); // 0 on 458a36c
        _space.UnmapAllFails = false;
        using var next = (HostDomain)_unit.CreateDomain(DomainType.Unmanaged);
        Assert.Equal(Status.Ok, next.Join(_space));
        Assert.Equal(0UL, _memory.QuarantinedBytes);
    }

    [Fact]
    public void Registering_memory_is_one_call_whatever_its_size()
    {
        var device = Add("a", _unit);
        var block = _memory.Allocate(64 << 20);
        var calls = _space.Calls;
        using var mapping = device.Dma.Map(block, DmaDirection.Bidirectional);
        Assert.Equal(calls + 1, _space.Calls);
    }

    [Fact]
    public void Without_an_iommu_nothing_is_mapped_and_the_refusal_says_why()
    {
        var space = new FakeSpace("IOMMU group 3") { HasIommu = false };
        var unit = Register(space, IommuKind.None);
        Assert.False(unit.Capabilities.CanBlock);
        Assert.Equal(Protection.None, unit.Capabilities.HonouredProtection);
        var device = Add("a", unit);
        foreach (var use in (Action[])
        [
            () => device.Dma.Map(_memory.Allocate(4096), DmaDirection.ToDevice),
            () => device.Dma.Map(_memory.Allocate(4096).Slice(1, 10), DmaDirection.ToDevice), // through a bounce buffer
            () => device.Dma.Allocate(4096),
            () => device.Dma.MapScatter([_memory.Allocate(4096)], new DmaSegment[1], DmaDirection.ToDevice),
        ])
        {
            var refusal = Assert.Throws<ApertureException>(use);
            Assert.Equal(Status.NoDevice, refusal.Status);
            Assert.Contains("IOMMU group 3 has no IOMMU: a device address would be a physical one", refusal.Message);
        }

        using var domain = unit.CreateDomain(DomainType.Unmanaged);
        device.Iommu!.Group.Replace(domain);
        Assert.Equal(Status.NoDevice, domain.Map(new(0x1000), _memory.Allocate(4096).Address, 4096, Protection.Read));
        device.Iommu.Group.Detach(domain);
        _drivers.Remove(device);
    }

    [Theory]
    [InlineData(IommuKind.Intel, Protection.Write)]
    [InlineData(IommuKind.Amd, Protection.ReadWrite)]
    [InlineData(IommuKind.Virtio, Protection.ReadWrite)]
    [InlineData(IommuKind.ArmSmmuV3, Protection.Write)]
    [InlineData(IommuKind.Other, Protection.Write)]
    internal void Promises_the_rights_that_were_seen_to_hold(IommuKind kind, Protection rights) =>
        Assert.Equal(rights, Register(new FakeSpace("IOMMU group 4"), kind).Capabilities.HonouredProtection);

    private HostUnit Register(FakeSpace space, IommuKind kind = IommuKind.Intel)
    {
        var unit = new HostUnit(space, kind, _memory, null);
        _iommu.Register(unit);
        return unit;
    }

    private Device Add(string name, HostUnit unit, bool isUntrusted = true)
    {
        var device = new Device(name)
        {
            Description = new DeviceDescription
            {
                Compatible = ["client"],
                Identity = new MasterIdentity { Units = [new IommuSpecifier(unit.Device.Key, unit.Name, [])] },
                IsCoherent = true,
                IsUntrusted = isUntrusted
            },
        };
        _drivers.Add(device);
        Assert.NotNull(device.Bound);
        return device;
    }

    [Fact]
    public void A_device_went_on_reaching_what_the_kernel_did_not_unmap()
    {
        var device = Add("a", _unit);
        var mastering = new FakeMastering();
        device.BusMastering = mastering;
        device.Dma.Map(_memory.Allocate(4096), DmaDirection.FromDevice);
        _space.UnmapAllFails = true;
        _drivers.Unbind(device);
        Assert.NotEmpty(_space.Mappings);
        Assert.True(mastering.IsStopped);
        var failure = _iommu.Failures[^1];
        Assert.Equal((_unit, Status.IoError, UnitRemedy.CutOff), ((HostUnit)failure.Unit, failure.Status, failure.Remedy));
        Assert.Equal(Status.IoError, _unit.TryReprogram());
        Assert.True(mastering.IsStopped);
        _space.UnmapAllFails = false;
        Assert.Equal(Status.Ok, _unit.TryReprogram());
        Assert.False(mastering.IsStopped || _unit.NeedsReprogram);
        Assert.Empty(_space.Mappings);
    }

    private sealed class FakeMastering : BusMastering
    {
        protected override bool TryClose() => true;

        protected override void Open()
        {
        }
    }
}
