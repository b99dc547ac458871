using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Dma.Operations;
using Aperture.Iommu;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Dma;

public sealed class DmaContextTests : IDisposable
{
    private readonly FakeMemory _memory = new();
    private readonly IommuCore _core;
    private readonly DmaPlatform _platform;
    private readonly FakeUnit _unit;
    private readonly Device _behind = new("behind");
    private readonly Device _direct = new("direct");

    public DmaContextTests()
    {
        _core = new IommuCore(_memory);
        _platform = new DmaPlatform(_memory);
        _unit = new FakeUnit(new Device("u"));
        _core.Register(_unit);
        _core.Configure(_behind, [new IommuSpecifier(_unit.Device.Key, "u", [1])]);
        DmaAttach.Attach(_behind, _core, _platform);
        DmaAttach.Attach(_direct, _core, _platform);
    }

    private FakeDomain Domain => (FakeDomain)_behind.Iommu!.Domain!;

    public void Dispose() => _memory.Dispose();

    private Device Pick(bool behind) => behind ? _behind : _direct;

    [Theory]
    [InlineData(true, "iommu")]
    [InlineData(false, "direct")]
    public void Coherent_memory_comes_and_goes(bool behind, string path)
    {
        var device = Pick(behind);
        Assert.Equal(path, device.Dma.Path);
        var buffer = device.Dma.Allocate(5000);
        Assert.Equal(5000, buffer.Length);
        Assert.True(buffer.Span.IndexOfAnyExcept((byte)0) < 0);
        Assert.Equal(behind ? 2 : 0, Domain.Count);
        if (behind)
        {
            Assert.True(Domain.TryTranslate(buffer.Address, out var physical));
            Assert.Equal(buffer.Memory.Address, physical);
            Assert.Equal(Protection.ReadWrite, Domain.RightsAt(buffer.Address));
        }
        else
        {
            Assert.Equal(buffer.Memory.Address.Value, buffer.Address.Value);
        }

        buffer.Dispose();
        default(CoherentBuffer).Dispose();
        Assert.Equal((0, 0), (Domain.Count, _memory.Live));
    }

    [Theory]
    [InlineData(DmaDirection.ToDevice, Protection.Read)]
    [InlineData(DmaDirection.FromDevice, Protection.Write)]
    [InlineData(DmaDirection.Bidirectional, Protection.ReadWrite)]
    public void Streaming_mapping_keeps_the_offset_and_gives_only_the_rights_of_its_direction(DmaDirection direction, Protection rights)
    {
        var memory = _memory.Allocate(0x3000).Slice(0x234, 0x1800);
        using (var mapping = _behind.Dma.Map(memory, direction))
        {
            Assert.Equal(0x234ul, mapping.Address.Value & 0xFFF);
            Assert.True(Domain.TryTranslate(mapping.Address, out var physical));
            Assert.Equal(memory.Address, physical);
            Assert.Equal(rights, Domain.RightsAt(mapping.Address));
            Assert.Equal(2, Domain.Count);
        }

        Assert.Equal(0, Domain.Count);
        Assert.Equal(2ul << 12, Assert.Single(_unit.Invalidations).Range.Length);
    }

    [Fact]
    public void Attributes_are_honoured_or_refused()
    {
        var memory = _memory.Allocate(64);
        using (var mapping = _behind.Dma.Map(memory, DmaDirection.ToDevice, DmaAttributes.Privileged))
            Assert.Equal(Protection.Read | Protection.Privileged, Domain.RightsAt(mapping.Address));
        Assert.Equal(Status.NotSupported, _direct.Dma.TryMap(memory, DmaDirection.ToDevice, out _, DmaAttributes.Privileged));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Masks_are_honoured(bool behind)
    {
        var device = Pick(behind);
        device.Dma.SetMask(24);
        if (behind)
        {
            var memory = _memory.Allocate(0x1000);
            var mapping = device.Dma.Map(memory, DmaDirection.ToDevice);
            Assert.True(mapping.Address.Value <= 0xFF_FFFF);
            device.Dma.BusLimit = new Iova(0x1FFF);
            mapping.Dispose();
            using (var buffer = device.Dma.Allocate(1))
            {
                Assert.Equal(0x1000ul, buffer.Address.Value);
                Assert.Equal(Status.NoSpace, Assert.Throws<ApertureException>(() => device.Dma.Allocate(1)).Status);
            }
        }
        else
        {
            // RAM starts at 2 GiB.
            Assert.Equal(Status.OutOfRange, device.Dma.TryMap(_memory.Allocate(0x1000), DmaDirection.ToDevice, out _));
            Assert.Equal(Status.NoMemory, Assert.Throws<ApertureException>(() => device.Dma.Allocate(1)).Status);
        }

        Assert.Equal(Status.IoError, Assert.Throws<ApertureException>(() => device.Dma.SetMask(11)).Status);
        Assert.Throws<ArgumentOutOfRangeException>(() => device.Dma.SetMask(65));
    }

    [Fact]
    public void Scatterlist_becomes_contiguous_where_pieces_meet_at_pages()
    {
        var blocks = new[] { _memory.Allocate(0x1000), _memory.Allocate(0x2000).Slice(0, 0x1000), default, _memory.Allocate(0x1000)
            .Slice(0x100, 0x200), _memory.Allocate(0x1000) };
        var segments = new DmaSegment[blocks.Length];
        using (var mapping = _behind.Dma.MapScatter(blocks, segments, DmaDirection.FromDevice))
        {
            Assert.Equal([0x2000ul, 0x200ul, 0x1000ul], mapping.Segments.ToArray().Select(segment => segment.Length));
            Assert.Equal(0x100ul, mapping.Segments[1].Address.Value & 0xFFF);
            Assert.True(Domain.TryTranslate(mapping.Segments[0].Address + 0x1000, out var physical));
            Assert.Equal(blocks[1].Address, physical);
        }

        Assert.Equal(0, Domain.Count);
        Assert.Single(_unit.Invalidations);

        using (var mapping = _direct.Dma.MapScatter(blocks, segments, DmaDirection.FromDevice))
            Assert.Equal(blocks.Where(block => block.Length > 0).Select(block => block.Address.Value), mapping.Segments.ToArray()
                .Select(segment => segment.Address.Value));
    }

    [Fact]
    public void Scatterlist_that_fails_at_any_piece_leaves_nothing()
    {
        // none follows the one before: five maps
        var blocks = Enumerable.Range(0, 5).Select(_ => _memory.Allocate(0x1000)).Reverse().ToArray();
        var segments = new DmaSegment[5];
        for (var failing = 0; failing < 5; failing++)
        {
            Domain.FailAfter = failing;
            Assert.Equal(Status.NoMemory,
                Assert.Throws<ApertureException>(() => _behind.Dma.MapScatter(blocks, segments, DmaDirection.ToDevice)).Status);
            Assert.Equal(0, Domain.Count);
        }

        Assert.Equal(0x1000ul, Domain.Space!.UsedBytes);
        Assert.Throws<ArgumentOutOfRangeException>(() => _behind.Dma.MapScatter(blocks, segments.AsSpan(0, 4), DmaDirection.ToDevice));
        Assert.Equal(Status.InvalidArgument,
            Assert.Throws<ApertureException>(() => _behind.Dma.MapScatter([], segments, DmaDirection.ToDevice)).Status);
    }

    [Fact]
    public void Failures_leave_nothing_and_name_the_device()
    {
        var memory = _memory.Allocate(0x1000);
        Domain.FailAfter = 0;
        Assert.Contains("behind", Assert.Throws<ApertureException>(() => _behind.Dma.Map(memory, DmaDirection.ToDevice)).Message,
            StringComparison.Ordinal);
        var live = _memory.Live;
        Domain.FailAfter = 0;
        Assert.Throws<ApertureException>(() => _behind.Dma.Allocate(0x2000));
        _memory.FailAfter = 0;
        Assert.Throws<ApertureException>(() => _behind.Dma.Allocate(0x2000));
        Assert.Equal(live, _memory.Live);
        Assert.Equal(0x1000ul, Domain.Space!.UsedBytes);
        Assert.Equal(Status.InvalidArgument, _behind.Dma.TryMap(default, DmaDirection.ToDevice, out _));
        Assert.Equal(Status.InvalidArgument, _behind.Dma.TryMap(memory, (DmaDirection)3, out _));
        Assert.Equal(Status.NoDevice, Assert.Throws<ApertureException>(() => new Device("none").Dma.Allocate(1)).Status);
    }

    [Fact]
    public void Device_addresses_of_a_range_that_was_not_wholly_mapped_are_never_given_out_again()
    {
        var memory = _memory.Allocate(0x2000);
        var mapping = _behind.Dma.Map(memory, DmaDirection.ToDevice);
        Domain.Unmap(mapping.Address + 0x1000, 0x1000);
        Assert.Throws<ApertureException>(() => mapping.Dispose());
        Assert.Equal(0x3000ul, Domain.Space!.UsedBytes);
    }

    [Fact]
    public void Masters_of_one_group_share_its_device_addresses()
    {
        _unit.Key = _ => "one";
        var a = new Device("a");
        var b = new Device("b");
        _core.Configure(a, [new IommuSpecifier(_unit.Device.Key, "u", [2])]);
        _core.Configure(b, [new IommuSpecifier(_unit.Device.Key, "u", [3])]);
        DmaAttach.Attach(a, _core, _platform);
        DmaAttach.Attach(b, _core, _platform);
        using var first = a.Dma.Allocate(64);
        using var second = b.Dma.Allocate(64);
        Assert.NotEqual(first.Address, second.Address);
    }

    [Fact]
    public void Steady_state_allocates_nothing()
    {
        var memory = _memory.Allocate(0x2000);
        var blocks = new[] { _memory.Allocate(0x1000), _memory.Allocate(0x1000) };
        var segments = new DmaSegment[2];
        foreach (var device in (Device[])[_behind, _direct])
        {
            Loop(device);
            Assert.Equal(0, Enumerable.Range(0, 5).Min(_ => Allocated(() => Loop(device))));
        }

        // The least of some rounds: the runtime itself may allocate on this thread when it compiles or collects meanwhile.
        static long Allocated(Action action)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            action();
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        void Loop(Device device)
        {
            for (var i = 0; i < 200; i++)
            {
                using var mapping = device.Dma.Map(memory, DmaDirection.Bidirectional);
                using var scatter = device.Dma.MapScatter(blocks, segments, DmaDirection.ToDevice);
                using var buffer = device.Dma.Allocate(100);
            }

            _unit.Invalidations.Clear();
        }
    }
}
