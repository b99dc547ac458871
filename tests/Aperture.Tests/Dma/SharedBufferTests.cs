using Aperture.Core;
using Aperture.Core.Addresses;
using Aperture.Core.Threading;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Dma.Operations;
using Aperture.Dma.Shared;
using Aperture.Iommu;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Dma;

/// <summary>A buffer that several devices work on in turn.</summary>
public sealed class SharedBufferTests : IDisposable
{
    private readonly HonestMemory _memory = new(true);
    private readonly FakeMemory _tables = new();
    private readonly IommuCore _core;
    private readonly DmaPlatform _platform;
    private readonly FakeUnit _unit;
    private uint _streams;

    public SharedBufferTests()
    {
        _core = new IommuCore(_tables);
        _platform = new DmaPlatform(_memory);
        _unit = new FakeUnit(new Device("u"));
        _core.Register(_unit);
    }

    public void Dispose()
    {
        _memory.Dispose();
        _tables.Dispose();
    }

    private Device Make(string name, bool behind = true, bool isCoherent = false)
    {
        var device = new Device(name) { Description = new DeviceDescription { IsCoherent = isCoherent } };
        if (behind)
            _core.Configure(device, [new IommuSpecifier(_unit.Device.Key, "u", [_streams++])]);
        DmaAttach.Attach(device, _core, _platform);
        return device;
    }

    private static IovaSpace Space(Device device) => device.Iommu!.Domain!.Space!;

    [Fact]
    public void All_find_it_at_one_address_whatever_is_taken_for_whom()
    {
        var a = Make("a");
        var b = Make("b");
        var c = Make("c");
        Space(b).Reserve(new Iova(0), 8 << 20);
        Space(c).Reserve(new Iova(8 << 20), 8 << 20);
        using var buffer = SharedBuffer.Allocate(_memory, 0x5000);
        var used = (Space(a).UsedBytes, Space(b).UsedBytes, Space(c).UsedBytes);
        var address = buffer.AttachAll([a, b, c]);
        foreach (var device in (Device[])[a, b, c])
        {
            Assert.True(device.Iommu!.Domain!.TryTranslate(address + 0x4000, out var physical));
            Assert.Equal(buffer.Block.Address + 0x4000, physical);
            buffer.Detach(device);
        }

        Assert.Equal(used, (Space(a).UsedBytes, Space(b).UsedBytes, Space(c).UsedBytes));
    }

    [Theory]
    [InlineData(DomainType.Dma)]
    [InlineData(DomainType.DmaDeferred)]
    public void An_address_above_4_GiB_is_found_where_all_reach_it_and_nothing_is_free_below(DomainType type)
    {
        _core.DefaultDomainType = type;
        _unit.ApertureEnd = new Iova((1UL << 48) - 1);
        var devices = (Device[])[Make("a"), Make("b"), Make("c")];
        foreach (var device in devices)
            device.Dma.SetMask(48);
        // What is free for one is taken for another, up to 1 TiB.
        Space(devices[0]).Reserve(new Iova(2UL << 30), (64UL << 30) - (2UL << 30));
        Space(devices[1]).Reserve(new Iova(0), 2UL << 30);
        Space(devices[2]).Reserve(new Iova(64UL << 30), (1UL << 40) - (64UL << 30));
        using (var taken = SharedBuffer.Allocate(_memory, 0x1000))
            taken.AttachAll([devices[0], devices[2]]);
        var used = devices.Select(device => Space(device).UsedBytes).ToArray();
        using var buffer = SharedBuffer.Allocate(_memory, 0x5000);
        var address = buffer.AttachAll(devices);
        Assert.Equal(1UL << 40, address.Value);
        foreach (var device in devices)
        {
            Assert.True(device.Iommu!.Domain!.TryTranslate(address + 0x4000, out var physical));
            Assert.Equal(buffer.Block.Address + 0x4000, physical);
            buffer.Detach(device);
            device.Dma.FlushUnmaps();
        }

        Assert.Equal(used, devices.Select(device => Space(device).UsedBytes));
        devices[2].Dma.SetMask(40);
        Assert.Equal(Status.NoSpace, Assert.Throws<ApertureException>(() => buffer.AttachAll(devices)).Status);
        Array.ForEach(devices, device => device.Dma.FlushUnmaps());
        Assert.Equal(used, devices.Select(device => Space(device).UsedBytes));
    }

    [Fact]
    public void Apertures_that_begin_at_different_addresses_have_the_higher_one_in_common()
    {
        var a = Make("a");
        _unit.ApertureStart = new Iova(0x8000_0000);
        var b = Make("b");
        using var buffer = SharedBuffer.Allocate(_memory, 0x3000);
        Assert.True(buffer.AttachAll([a, b]).Value >= 0x8000_0000);
    }

    [Fact]
    public void A_device_that_has_no_choice_is_followed_by_the_others()
    {
        var a = Make("a");
        var direct = Make("direct", behind: false);
        using var buffer = SharedBuffer.Allocate(_memory, 0x2000);
        var address = buffer.AttachAll([a, direct]);
        Assert.Equal(buffer.Block.Address.Value, address.Value);
        buffer.Detach(a);
        buffer.Detach(direct);
        Space(a).Reserve(address, 1);
        var error = Assert.Throws<ApertureException>(() => buffer.AttachAll([a, direct]));
        Assert.Equal(Status.AlreadyExists, error.Status);
        Assert.Contains("a cannot find the shared buffer", error.Message, StringComparison.Ordinal);
        Assert.Equal(Status.NotPermitted, Assert.Throws<ApertureException>(() => buffer.TryBegin(a, DmaDirection.ToDevice)).Status);
        Assert.Equal(0x2000ul, Space(a).UsedBytes);
    }

    [Fact]
    public void No_common_address_is_an_error_that_leaves_nothing()
    {
        var a = Make("a");
        var b = Make("b");
        a.Dma.SetMask(16);
        Space(b).Reserve(new Iova(0), 1 << 16);
        var used = (Space(a).UsedBytes, Space(b).UsedBytes);
        using var buffer = SharedBuffer.Allocate(_memory, 0x1000);
        Assert.Throws<ApertureException>(() => buffer.AttachAll([a, b]));
        Assert.Throws<ApertureException>(() => buffer.AttachAll([b, a]));
        Assert.Throws<ApertureException>(() => buffer.AttachAll([]));
        Assert.Throws<ApertureException>(() => buffer.AttachAll([a, a]));
        Assert.Equal(used, (Space(a).UsedBytes, Space(b).UsedBytes));
        var at = buffer.Attach(a);
        Assert.Equal(Status.AlreadyExists, Assert.Throws<ApertureException>(() => buffer.Attach(a)).Status);
        Assert.Equal(Status.AlreadyExists, Assert.Throws<ApertureException>(() => buffer.AttachAll([b, a])).Status);
        Assert.Equal(Status.AlreadyExists, Assert.Throws<ApertureException>(() => buffer.Attach(b, at)).Status);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Any_device_may_be_the_one_that_cannot_take_part_and_then_none_does(int failing)
    {
        Device[] devices = [Make("a"), Make("b"), Make("c"), Make("d")];
        using var buffer = SharedBuffer.Allocate(_memory, 0x3000);
        var used = devices.Select(device => Space(device).UsedBytes).ToArray();
        for (var time = 1; time <= 2; time++)
        {
            ((FakeDomain)devices[failing].Iommu!.Domain!).FailAfter = 0;
            Assert.Equal(Status.NoMemory, Assert.Throws<ApertureException>(() => buffer.AttachAll(devices)).Status);
            Assert.Equal(0, _unit.Domains.Sum(domain => domain.Count));
            Assert.Equal(used, devices.Select(device => Space(device).UsedBytes));
        }

        buffer.AttachAll(devices);
        Assert.Equal(12, _unit.Domains.Sum(domain => domain.Count));
    }

    [Fact]
    public void Devices_in_one_domain_share_the_mapping()
    {
        _unit.Key = _ => "one";
        var a = Make("a");
        var b = Make("b", isCoherent: true);
        _unit.Key = _ => null;
        var c = Make("c");
        using var buffer = SharedBuffer.Allocate(_memory, 0x1000);
        var address = buffer.AttachAll([b, a, c]);
        Assert.Equal(2, _unit.Domains.Sum(domain => domain.Count));
        Assert.Equal(Status.Busy, Assert.Throws<ApertureException>(() => buffer.Detach(b)).Status);
        // The one that does not snoop works through the mapping of one that does.
        using (buffer.TryBegin(null, DmaDirection.FromDevice))
            buffer.Block.Span.Fill(4);
        using (buffer.TryBegin(a, DmaDirection.Bidirectional))
        {
            Assert.Equal(4, Dram(a, address)[0xFFF]);
            Dram(a, address).Fill(5);
        }

        Assert.Equal(5, buffer.Block.Span[7]);
        buffer.Detach(a);
        buffer.Detach(b);
        buffer.Detach(b); // takes no part: nothing to end
        Assert.Equal(1, _unit.Domains.Sum(domain => domain.Count));
    }

    [Fact]
    public void Bytes_go_from_owner_to_owner()
    {
        var camera = Make("camera");
        var encoder = Make("encoder", behind: false);
        using var buffer = SharedBuffer.Allocate(_memory, 0x2000);
        var from = buffer.Attach(camera);
        buffer.Attach(encoder);
        for (byte frame = 1; frame < 20; frame++)
        {
            using (var use = buffer.TryBegin(camera, DmaDirection.FromDevice))
                Dram(camera, from).Fill(frame);
            using (buffer.TryBegin(null, DmaDirection.Bidirectional))
            {
                Assert.Equal(frame, buffer.Block.Span[0xFFF]);
                buffer.Block.Span[5] = 200; // the CPU draws on it
            }

            using (buffer.TryBegin(encoder, DmaDirection.ToDevice))
                Assert.Equal((frame, 200), (_memory.Dram(buffer.Block.Address, 6)[4], _memory.Dram(buffer.Block.Address, 6)[5]));
        }
    }

    [Fact]
    public void Readers_share_and_a_writer_waits_for_them_all()
    {
        var a = Make("a");
        var b = Make("b");
        var buffer = SharedBuffer.Allocate(_memory, 0x1000);
        buffer.Attach(a);
        buffer.Attach(b);
        var first = buffer.TryBegin(a, DmaDirection.ToDevice)!;
        var second = buffer.TryBegin(b, DmaDirection.ToDevice)!;
        var third = buffer.TryBegin(null, DmaDirection.ToDevice)!;
        Assert.Null(buffer.TryBegin(b, DmaDirection.FromDevice));
        Assert.Equal([first.Done, second.Done, third.Done], buffer.FencesFor(DmaDirection.Bidirectional));
        Assert.Empty(buffer.FencesFor(DmaDirection.ToDevice));
        SharedUse? writer = null;
        buffer.BeginAfterFences(b, DmaDirection.FromDevice, use => writer = use);
        foreach (var use in (SharedUse[])[first, third, second])
        {
            Assert.Null(writer);
            Assert.False(use.Done.IsSignalled);
            use.Dispose();
            use.Dispose();
            Assert.True(use.Done.IsSignalled);
        }

        Assert.NotNull(writer);
        Assert.Null(buffer.TryBegin(a, DmaDirection.ToDevice));
        Assert.Equal(Status.Busy, Assert.Throws<ApertureException>(() => buffer.Detach(b)).Status);
        Assert.Contains("in use by b", Assert.Throws<ApertureException>(() => buffer.Dispose()).Message, StringComparison.Ordinal);
        var called = 0;
        writer.Done.OnSignalled(() => called++);
        writer.Dispose();
        writer.Done.OnSignalled(() => called++);
        Assert.Equal(2, called);
        var live = _memory.Live;
        buffer.Dispose();
        Assert.Equal((live - 1, 0x1000ul, 0x1000ul), (_memory.Live, Space(a).UsedBytes, Space(b).UsedBytes));
    }

    [Fact]
    public void Who_takes_no_part_gets_no_turn()
    {
        using var buffer = SharedBuffer.Allocate(_memory, 0x1000);
        Assert.Equal(Status.NotPermitted, Assert.Throws<ApertureException>(() => buffer.TryBegin(Make("a"), DmaDirection.ToDevice)).Status);
    }

    private Span<byte> Dram(Device device, Iova address)
    {
        Assert.True(device.Iommu!.Domain!.TryTranslate(address, out var physical));
        return _memory.Dram(physical, 0x1000);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_buffer_whose_device_was_unbound_was_stuck_for_good_and_its_page_lost(bool isInTurn)
    {
        var before = _memory.Live;
        var device = Make("a");
        var buffer = SharedBuffer.Allocate(_memory, 0x1000);
        buffer.Attach(device);
        var used = Space(device).UsedBytes;
        var turn = isInTurn ? buffer.TryBegin(device, DmaDirection.FromDevice) : null;
        var isOver = false;
        turn?.Done.OnSignalled(() => isOver = true);
        var space = Space(device);
        device.Dma.Detach();
        Assert.Equal(isInTurn, isOver);
        Assert.True(space.UsedBytes < used);
        Assert.Equal(Status.NotPermitted, Assert.Throws<ApertureException>(() => buffer.TryBegin(device, DmaDirection.FromDevice)).Status);
        turn?.Dispose();
        var cpu = buffer.TryBegin(null, DmaDirection.FromDevice);
        Assert.NotNull(cpu);
        cpu.Dispose();
        buffer.Dispose();
        Assert.Equal(before, _memory.Live);
    }

    [Fact]
    public void Who_borrows_the_mapping_of_a_device_that_is_unbound_goes_on_with_it()
    {
        _unit.Key = _ => "one group";
        var a = Make("a");
        var b = Make("b");
        using var buffer = SharedBuffer.Allocate(_memory, 0x1000);
        var address = buffer.AttachAll([a, b]);
        var domain = b.Iommu!.Domain!;
        a.Dma.Detach();
        Assert.True(domain.TryTranslate(address, out _));
        using (buffer.TryBegin(b, DmaDirection.FromDevice))
        {
        }

        buffer.Detach(b);
        Assert.False(domain.TryTranslate(address, out _));
    }

    [Fact]
    public void Memory_that_a_device_may_still_reach_does_not_go_back()
    {
        var before = _memory.Live;
        var (a, b) = (Make("a"), Make("b"));
        var buffer = SharedBuffer.Allocate(_memory, 0x1000);
        buffer.AttachAll([a, b]);
        _unit.OnInvalidate = _ => Status.IoError;
        buffer.Dispose();
        Assert.Equal(before + 1, _memory.Live);
        _unit.OnInvalidate = null;
        _unit.TryReprogram();
        Assert.Equal(before, _memory.Live);
    }

    [Fact]
    public void One_who_waited_and_threw_kept_the_others_waiting()
    {
        var a = Make("a");
        using var buffer = SharedBuffer.Allocate(_memory, 0x1000);
        buffer.Attach(a);
        var turn = buffer.TryBegin(a, DmaDirection.FromDevice)!;
        var heard = 0;
        turn.Done.OnSignalled(() => throw new InvalidOperationException("mine"));
        turn.Done.OnSignalled(() => heard++);
        SharedUse? next = null;
        buffer.BeginAfterFences(null, DmaDirection.FromDevice, use => next = use);
        Assert.Equal("mine", Assert.Throws<InvalidOperationException>(() => turn.Dispose()).Message);
        Assert.Equal(1, heard);
        next!.Dispose();
    }

    [Fact]
    public void Who_was_attached_with_others_stayed_so_when_the_last_of_them_threw()
    {
        var (a, b, unbound) = (Make("a"), Make("b"), new Device("unbound"));
        using var buffer = SharedBuffer.Allocate(_memory, 0x1000);
        var used = (Space(a).UsedBytes, Space(b).UsedBytes);
        Assert.Equal(Status.NoDevice, Assert.Throws<ApertureException>(() => buffer.AttachAll([a, b, unbound])).Status);
        Assert.Equal(used, (Space(a).UsedBytes, Space(b).UsedBytes));
        buffer.AttachAll([a, b]); // neither takes part
    }

    [Fact]
    public void A_unit_that_could_not_be_told_kept_the_others_attached_when_one_had_no_address()
    {
        var (a, b, c) = (Make("a"), Make("b"), Make("c", behind: false));
        using var buffer = SharedBuffer.Allocate(_memory, 0x1000);
        Space(b).Reserve(new Iova(buffer.Block.Address.Value), 1);
        _unit.OnInvalidate = _ => Status.IoError;
        Assert.Equal(Status.AlreadyExists, Assert.Throws<ApertureException>(() => buffer.AttachAll([a, b, c])).Status);
        _unit.OnInvalidate = null;
        _unit.TryReprogram();
        foreach (var device in (Device[])[a, b, c])
            Assert.Throws<ApertureException>(() => buffer.TryBegin(device, DmaDirection.ToDevice));
    }

    /// <summary>A timer or an interrupt that mapping causes might take a lock which another thread holds that waits for it.</summary>
    [Fact]
    public void Interrupts_and_timers_ran_under_the_buffers_lock()
    {
        var a = Make("a");
        var b = Make("b");
        var buffer = SharedBuffer.Allocate(_memory, 0x1000);
        var isOpen = false;
        _unit.OnInvalidate = _ =>
        {
            isOpen |= EventGate.IsOpen;
            return Status.Ok;
        };
        buffer.AttachAll([a, b]);
        buffer.Detach(a);
        buffer.Dispose();
        Assert.NotEmpty(_unit.Invalidations);
        Assert.False(isOpen);
        Assert.True(EventGate.IsOpen);
    }

    [Fact]
    public void A_buffer_that_was_given_back_was_used_on()
    {
        var a = Make("a");
        var buffer = SharedBuffer.Allocate(_memory, 0x1000);
        buffer.Dispose();
        Action[] uses = [() => buffer.TryBegin(null, DmaDirection.ToDevice), () => buffer.Attach(a), () => buffer.Dispose()];
        Assert.All(uses, use => Assert.Equal($"the shared buffer at {buffer.Block.Address} was given back before",
            Assert.Throws<ApertureException>(use).Message));
        ((IDisposable)buffer).Dispose(); // the end of a using
    }
}
