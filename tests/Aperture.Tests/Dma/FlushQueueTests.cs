using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Flush;

namespace Aperture.Tests.Dma;

public sealed class FlushQueueTests : IDisposable
{
    private readonly DmaRig _rig = DmaRig.Make("iommu-deferred");

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void Device_addresses_are_used_again_only_after_a_flush_that_covers_them()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var memory = _rig.Memory.Allocate(64 << 12);
        var stale = new HashSet<ulong>(); // pages that the unit may still remember
        var live = new List<DmaMapping>();
        for (var i = 0; i < 20_000; i++)
        {
            if (live.Count < 40 && random.Next(2) == 0)
            {
                var bytes = random.Next(1, 8 << 12);
                var mapping = _rig.Dma.Map(memory.Slice(random.Next(memory.Length - bytes), bytes), DmaDirection.ToDevice);
                foreach (var page in Pages(mapping))
                    Assert.False(stale.Contains(page), $"seed {seed}: page 0x{page:x} was given out while the unit may remember it");
                live.Add(mapping);
            }
            else if (live.Count > 0)
            {
                var at = random.Next(live.Count);
                _rig.Unit.Invalidations.Clear();
                // The unit has seen all of it, and remembers until it is told. A flush comes before the unmap that makes it necessary.
                live[at].Dispose();
                if (_rig.Unit.Invalidations.Count > 0)
                    stale.Clear();
                foreach (var page in Pages(live[at]))
                    stale.Add(page);
                live.RemoveAt(at);
            }

            if (random.Next(500) == 0)
            {
                _rig.Unit.Invalidations.Clear();
                _rig.Time.Advance(FlushQueue.Timeout);
                Assert.True(stale.Count == 0 || _rig.Unit.Invalidations.Count > 0, $"seed {seed}: the unit was not told in time");
                stale.Clear();
            }
        }

        foreach (var mapping in live)
            mapping.Dispose();
        _rig.Dma.Detach();
        Assert.Equal(0x1000ul, _rig.Domain.Space!.UsedBytes);
    }

    [Fact]
    public void An_unmap_that_removes_a_table_is_told_at_once_and_with_it_what_waited()
    {
        var memory = _rig.Memory.Allocate(0x3000);
        for (var time = 1; time <= 2; time++)
        {
            var pages = Enumerable.Range(0, 3).Select(page => _rig.Dma.Map(memory.Slice(page * 0x1000, 0x1000), DmaDirection.ToDevice))
                .ToArray();
            _rig.Unit.Invalidations.Clear();
            _rig.Domain.RemovesTables = false;
            pages[0].Dispose();
            Assert.Empty(_rig.Unit.Invalidations);
            _rig.Domain.RemovesTables = true;
            pages[1].Dispose();
            Assert.Single(_rig.Unit.Invalidations);
            _rig.Domain.RemovesTables = false;
            _rig.Unit.Invalidations.Clear();
            pages[2].Dispose();
            Assert.Empty(_rig.Unit.Invalidations);
        }
    }

    [Fact]
    public void Window_is_measured_and_closed_by_the_timer()
    {
        var memory = _rig.Memory.Allocate(0x3000);
        _rig.Dma.Map(memory, DmaDirection.ToDevice).Dispose();
        Assert.Empty(_rig.Unit.Invalidations);
        Assert.Equal(
            (1, 0, 0x3000),
            (_rig.Dma.FlushStatistics.Unmaps, _rig.Dma.FlushStatistics.Flushes, _rig.Dma.FlushStatistics.PendingBytes));
        _rig.Time.Advance(TimeSpan.FromMilliseconds(9));
        Assert.Empty(_rig.Unit.Invalidations);
        _rig.Time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Single(_rig.Unit.Invalidations);
        Assert.Equal(new FlushStatistics(1, 1, 1, 0, 0x3000, FlushQueue.Timeout), _rig.Dma.FlushStatistics);
    }

    [Fact]
    public void Full_ring_is_flushed_by_whoever_fills_it()
    {
        var memory = _rig.Memory.Allocate(0x1000);
        for (var i = 0; i < FlushQueue.Capacity * 8; i++)
            _rig.Dma.Map(memory, DmaDirection.ToDevice).Dispose();
        Assert.InRange(_rig.Dma.FlushStatistics.Flushes, 1, 8);
        Assert.Equal(0, _rig.Dma.FlushStatistics.TimerFlushes);
        Assert.True(_rig.Dma.FlushStatistics.PeakPendingBytes >= FlushQueue.Capacity << 12);
    }

    [Fact]
    public void Coherent_memory_is_out_of_reach_when_it_goes_back()
    {
        _rig.Dma.Allocate(0x1000).Dispose();
        Assert.Equal(0, _rig.Dma.FlushStatistics.PendingBytes);
        Assert.Single(_rig.Unit.Invalidations);
    }

    [Fact]
    public void A_partial_unmap_left_pages_reachable_without_any_time_limit()
    {
        var mapping = _rig.Dma.Map(_rig.Memory.Allocate(0x4000), DmaDirection.ToDevice);
        _rig.Domain.Unmap(mapping.Address + 0x2000, 0x1000);
        _rig.Unit.Invalidations.Clear();
        var error = Assert.Throws<ApertureException>(() => mapping.Dispose());
        Assert.Equal(Status.InvalidArgument, error.Status);
        // Not after some time: at once.
        var (_, range) = Assert.Single(_rig.Unit.Invalidations);
        Assert.Equal((mapping.Address, 0x2000UL), (range.Start, range.Length));
        Assert.Equal(0, _rig.Dma.FlushStatistics.PendingBytes);
    }

    [Fact]
    public void An_unmap_from_inside_an_invalidation_was_never_told_to_any_unit_and_its_device_address_was_given_out_again()
    {
        var memory = _rig.Memory.Allocate(0x1000);
        var a = _rig.Dma.Map(memory, DmaDirection.ToDevice);
        var b = _rig.Dma.Map(memory, DmaDirection.ToDevice);
        var isNested = false;
        _rig.Unit.OnInvalidate = _ =>
        {
            if (!isNested)
            {
                isNested = true;
                b.Dispose();
            }

            return Status.Ok;
        };
        a.Dispose();
        _rig.Time.Advance(FlushQueue.Timeout);
        Assert.True(isNested);
        Assert.DoesNotContain(_rig.Unit.Invalidations, told => told.Range.Start == b.Address);
        Assert.Equal(0x1000, _rig.Dma.FlushStatistics.PendingBytes);
        var others = Enumerable.Range(0, 64).Select(_ => _rig.Dma.Map(memory, DmaDirection.ToDevice)).ToArray();
        Assert.DoesNotContain(others, other => other.Address == b.Address);
        _rig.Time.Advance(FlushQueue.Timeout);
        Assert.Contains(_rig.Unit.Invalidations, told => told.Range.Start == b.Address);
        Assert.Equal(0, _rig.Dma.FlushStatistics.PendingBytes);
        foreach (var other in others)
            other.Dispose();
    }

    [Fact]
    public void Every_window_is_closed_by_the_timer_not_only_the_first()
    {
        var memory = _rig.Memory.Allocate(0x1000);
        for (var window = 1; window <= 3; window++)
        {
            _rig.Dma.Map(memory, DmaDirection.ToDevice).Dispose();
            Assert.Equal(window - 1, _rig.Unit.Invalidations.Count);
            _rig.Time.Advance(FlushQueue.Timeout);
            Assert.Equal(window, _rig.Unit.Invalidations.Count);
            Assert.Equal(window, _rig.Dma.FlushStatistics.TimerFlushes);
        }
    }

    private static IEnumerable<ulong> Pages(DmaMapping mapping)
    {
        for (var page = mapping.Address.Value >> 12; page <= (mapping.Address.Value + mapping.Length - 1) >> 12; page++)
            yield return page;
    }
}
