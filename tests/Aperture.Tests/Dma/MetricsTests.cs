using System.Diagnostics.Metrics;
using System.Diagnostics.Tracing;
using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Dma.Bounce;
using Aperture.Dma.Flush;
using Aperture.Dma.Meters;
using Aperture.Dma.Operations;
using Aperture.Iommu;

namespace Aperture.Tests.Dma;

/// <summary>What listeners see of a known sequence of calls. Nothing else runs meanwhile: the figures are those of the process.</summary>
[Collection(nameof(AloneCollection))]
public sealed class MetricsTests
{
    [Fact]
    public void Mappings_are_counted_with_their_bytes()
    {
        using var figures = new Figures();
        foreach (var path in (string[])["direct", "iommu", "bounce", "untrusted"])
        {
            using var rig = DmaRig.Make(path);
            var memory = rig.Memory.Allocate(0x3000);
            figures.Clear();
            var first = rig.Dma.Map(memory.Slice(5, 1000), DmaDirection.ToDevice);
            var second = rig.Dma.MapScatter([memory.Slice(0, 0x800), memory.Slice(0x1000, 0x900)], new DmaSegment[2],
                DmaDirection.FromDevice);
            var pages = rig.Dma.AllocatePages(300, DmaDirection.Bidirectional);
            Assert.Equal((3, 1000 + 0x1100 + 300, 3, 0),
                (figures["maps"], figures["mapped_bytes"], figures["live_mappings"], figures["failures"]));
            first.Dispose();
            second.Dispose();
            Assert.Equal(1, figures["live_mappings"]);
            pages.Dispose();
            using (rig.Dma.MapManaged(new byte[70], DmaDirection.ToDevice))
                Assert.Equal((4, 1000 + 0x1100 + 300 + 70, 1), (figures["maps"], figures["mapped_bytes"], figures["live_mappings"]));
            Assert.Equal(0, figures["live_mappings"]);
        }
    }

    [Fact]
    public void A_mapping_that_was_made_before_anybody_listened_does_not_make_the_number_of_live_ones_negative()
    {
        using var rig = DmaRig.Make("iommu");
        var early = rig.Dma.Map(rig.Memory.Allocate(0x1000), DmaDirection.ToDevice);
        using var figures = new Figures();
        early.Dispose();
        Assert.True(figures["live_mappings"] >= 0);
    }

    [Fact]
    public void Every_call_that_fails_is_counted_once()
    {
        using var rig = DmaRig.Make("iommu");
        var memory = rig.Memory.Allocate(0x1000);
        using var figures = new Figures();
        var refused = DmaAttributes.WeakOrdering;
        Action[] calls =
        [
            () => rig.Dma.Map(memory, DmaDirection.ToDevice, refused),
            () => rig.Dma.MapPage(memory, 0, 1, DmaDirection.ToDevice, refused),
            () => rig.Dma.MapFrames(memory.Address, 1, DmaDirection.ToDevice, refused),
            () => rig.Dma.MapAt(memory, new Iova(0x7000), DmaDirection.ToDevice, refused),
            () => rig.Dma.MapScatter([memory], new DmaSegment[1], DmaDirection.ToDevice, refused),
            () => rig.Dma.MapScatter([], [], DmaDirection.ToDevice),
            () => rig.Dma.MapResource(memory.Address, 1, DmaDirection.ToDevice),
            () => rig.Dma.MapManaged(default, DmaDirection.ToDevice),
            () => rig.Dma.Allocate(1, refused),
            () => rig.Dma.AllocatePages(1, (DmaDirection)3),
            () => rig.Dma.AllocatePages(1 << 30, DmaDirection.ToDevice),
            () => rig.Dma.AllocateNoncontiguous(1, DmaDirection.ToDevice, refused),
        ];
        for (var i = 0; i < calls.Length; i++)
        {
            Assert.Throws<ApertureException>(calls[i]);
            Assert.Equal((i, i + 1), (i, figures["failures"]));
        }

        Assert.Equal((0, 0), (figures["maps"], figures["live_mappings"]));
    }

    [Fact]
    public void Bounce_buffers_are_counted_by_slots_and_copied_bytes()
    {
        using var rig = DmaRig.Make("bounce", bounce: new BounceOptions { Bytes = 256 << 10, MaxBytes = 1 << 20 });
        using var figures = new Figures();
        var pool = rig.Dma.BouncePool.Name;
        var memory = rig.Memory.Allocate(0x4000);
        var first = rig.Dma.Map(memory.Slice(0, 5000), DmaDirection.FromDevice);
        using var second = rig.Dma.Map(memory.Slice(0x2000, 1), DmaDirection.ToDevice);
        Assert.Equal((4, 256 << 10, 5001), (figures["bounce_slots", pool], figures["bounce_pool_bytes", pool], figures["bounced_bytes"]));
        first.SyncForCpu(100, 50);
        first.SyncForDevice(100, 50); // nothing to copy for a device that only writes
        second.SyncForDevice();
        Assert.Equal(5001 + 50 + 1, figures["bounced_bytes"]);
        first.Dispose();
        Assert.Equal((1, 5052 + 5000), (figures["bounce_slots", pool], figures["bounced_bytes"]));
    }

    [Fact]
    public void Device_addresses_are_seen_with_their_fragmentation_and_flushes_are_counted()
    {
        using var rig = DmaRig.Make("iommu-deferred");
        using var figures = new Figures();
        var space = figures.Tags("iova_used").Last(tag => tag.StartsWith("iommu-deferred", StringComparison.Ordinal));
        Assert.Equal(0x1000, figures["iova_used", space]);
        var memory = rig.Memory.Allocate(0x3000);
        var mapping = rig.Dma.Map(memory, DmaDirection.ToDevice);
        Assert.Equal(0x4000, figures["iova_used", space]);
        var block = mapping.Address.AlignDown(512 << 12);
        rig.Domain.Space!.Reserve(block, 256 << 12);
        rig.Domain.Space.Reserve(block + (256 << 12) + 0x1000, 255 << 12);
        var scattered = figures.Fragmentation(space);
        Assert.InRange(scattered, 1e-7, 0.01); // a page or so of a whole space
        mapping.Dispose();
        Assert.Equal(0, figures["flushes"]);
        rig.Time.Advance(FlushQueue.Timeout);
        Assert.Equal(1, figures["flushes"]);
        var buffer = rig.Dma.Allocate(1);
        rig.Dma.Map(memory, DmaDirection.ToDevice).Dispose();
        buffer.Dispose(); // memory goes back only after a flush
        Assert.Equal(2, figures["flushes"]);
        for (var window = 1; window <= 3; window++)
        {
            rig.Dma.Map(memory, DmaDirection.ToDevice).Dispose();
            rig.Time.Advance(FlushQueue.Timeout);
            Assert.Equal(2 + window, figures["flushes"]);
        }
    }

    [Fact]
    public void The_tag_of_a_space_rose_for_ever()
    {
        using var rig = DmaRig.Make("iommu");
        using var figures = new Figures();
        string[] Spaces() => [.. figures.Tags("iova_used").Where(tag => tag.StartsWith("again", StringComparison.Ordinal)).Order()];
        for (var i = 0; i < 50; i++)
        {
            var devices = new[] { Bind(rig, "again", 7), Bind(rig, "again", 8) };
            Assert.Equal(["again", "again 2"], Spaces());
            foreach (var device in devices)
            {
                device.Dma.Detach();
                rig.Core.Release(device);
            }

            Assert.Empty(Spaces()); // with the domains, and not when the collector comes
        }
    }

    /// <summary>Device addresses of a domain may be given out, not any more, and again.</summary>
    [Fact]
    public void A_space_that_was_opened_again_was_measured_twice()
    {
        var isInUse = true;
        var register = new WeakRegister<string>(_ => isInUse);
        Assert.Equal("space", register.Add("domain", "space"));
        isInUse = false;
        // nobody measures meanwhile
        isInUse = true;
        Assert.Equal("space", register.Add("domain", "space"));
        Assert.Equal(1, Assert.Single(register.Measure("space", _ => 1)).Value);
    }

    [Fact]
    public void The_figures_of_a_bounce_pool_outlived_its_machine()
    {
        using var figures = new Figures();
        using var rig = DmaRig.Make("bounce");
        var pool = rig.Dma.BouncePool.Name;
        Assert.Contains(pool, figures.Tags("bounce_slots"));
        rig.Platform.Close();
        Assert.DoesNotContain(pool, figures.Tags("bounce_slots"));
        using var next = DmaRig.Make("bounce");
        Assert.Equal(pool, next.Dma.BouncePool.Name);
    }

    private static Device Bind(DmaRig rig, string name, uint id)
    {
        var device = new Device(name);
        rig.Core.Configure(device, [new IommuSpecifier(rig.Unit.Device.Key, "u", [id])]);
        DmaAttach.Attach(device, rig.Core, rig.Platform);
        return device;
    }

    [Fact]
    public void Faults_are_counted_and_told()
    {
        using var rig = DmaRig.Make("iommu");
        using var figures = new Figures();
        using var events = new Events();
        rig.Core.Report(rig.Domain,
            new FaultReport(rig.Unit, rig.Device, 0, new Iova(0x1234_5000), FaultAccess.Write, FaultReason.NotMapped, 3));
        Assert.Equal(1, figures.Iommu("faults"));
        Assert.Equal(["Fault iommu 305418240 Write NotMapped"], events.Seen);
    }

    [Fact]
    public void Failures_are_told_unless_the_caller_wants_none_of_it()
    {
        using var rig = DmaRig.Make("direct");
        var memory = rig.Memory.Allocate(0x1000);
        rig.Dma.SetMask(24);
        using var events = new Events();
        Assert.NotEqual(Status.Ok, rig.Dma.TryMap(memory, DmaDirection.ToDevice, out _, DmaAttributes.NoWarn));
        Assert.Throws<ApertureException>(() => rig.Dma.Allocate(64, DmaAttributes.NoWarn));
        Assert.Empty(events.Seen);
        Assert.Equal(Status.OutOfRange, rig.Dma.TryMap(memory, DmaDirection.ToDevice, out _));
        Assert.Throws<ApertureException>(() => rig.Dma.Allocate(64));
        Assert.Equal([$"MapFailed direct 4096 {(int)Status.OutOfRange}", $"MapFailed direct 64 {(int)Status.NoMemory}"], events.Seen);
    }

    [Fact]
    public void Addresses_above_4_GiB_are_taken_for_good_when_those_below_run_out_and_that_is_told()
    {
        using var rig = DmaRig.Make("iommu-wide");
        rig.Dma.SetMask(40);
        rig.Domain.Space!.Reserve(new Iova(0), (4UL << 30) - (1 << 20));
        var memory = rig.Memory.Allocate(1 << 20); // more than the caches of the space keep
        using var events = new Events();
        using (var first = rig.Dma.Map(memory, DmaDirection.ToDevice))
        {
            Assert.Equal((4UL << 30) - (1 << 20), first.Address.Value);
            Assert.Empty(events.Seen);
            using var second = rig.Dma.Map(memory, DmaDirection.ToDevice);
            Assert.InRange(second.Address.Value, 4UL << 30, (1UL << 40) - 1);
            Assert.Equal(["HighAddresses iommu-wide 40"], events.Seen);
        }

        using var third = rig.Dma.Map(memory, DmaDirection.ToDevice);
        Assert.True(third.Address.Value >= 4UL << 30, $"{third.Address}"); // although there is room below again
        Assert.Single(events.Seen);
    }

    [Fact]
    public void Growth_of_a_pool_is_told()
    {
        using var rig = DmaRig.Make("bounce", bounce: new BounceOptions { Bytes = 256 << 10, MaxBytes = 512 << 10 });
        using var events = new Events();
        var memory = rig.Memory.Allocate(256 << 10);
        using var first = rig.Dma.Map(memory, DmaDirection.ToDevice);
        using var second = rig.Dma.Map(memory, DmaDirection.ToDevice);
        Assert.Equal(Status.NoSpace, rig.Dma.TryMap(memory, DmaDirection.ToDevice, out _, DmaAttributes.NoWarn));
        Assert.Equal(["BouncePoolGrew 262144", "BouncePoolGrew 524288"], events.Seen);
    }

    /// <summary>The sums of the counters, and what the observable ones say now.</summary>
    private sealed class Figures : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly Dictionary<string, long> _sums = [];
        private readonly Dictionary<(string Name, string Tag), double> _now = [];

        public Figures()
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name is "Aperture.Dma" or "Aperture.Iommu")
                    listener.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Take(instrument, value, tags));
            _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Take(instrument, value, tags));
            _listener.Start();
        }

        public long this[string name] => _sums.GetValueOrDefault("aperture.dma." + name);

        public long Iommu(string name) => _sums.GetValueOrDefault("aperture.iommu." + name);

        public long this[string name, string tag] => (long)Observe()[("aperture.dma." + name, tag)];

        public double Fragmentation(string space) => Observe()[("aperture.dma.iova_fragmentation", space)];

        public IEnumerable<string> Tags(string name) => Observe().Keys.Where(key => key.Name == "aperture.dma." + name)
            .Select(key => key.Tag);

        public void Clear() => _sums.Clear();

        public void Dispose() => _listener.Dispose();

        private Dictionary<(string Name, string Tag), double> Observe()
        {
            _now.Clear();
            _listener.RecordObservableInstruments();
            return _now;
        }

        private void Take(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            if (tags.IsEmpty)
                _sums[instrument.Name] = this[instrument.Name["aperture.dma.".Length..]] + (long)value;
            else
                _now[(instrument.Name, (string)tags[0].Value!)] = value;
        }
    }

    /// <summary>The events, as words.</summary>
    private sealed class Events : EventListener
    {
        public List<string> Seen { get; } = [];

        protected override void OnEventSourceCreated(EventSource eventSource)
        {
            if (eventSource.Name == "Aperture-Dma")
                EnableEvents(eventSource, EventLevel.Informational);
        }

        protected override void OnEventWritten(EventWrittenEventArgs eventData)
        {
            if (eventData.EventSource.Name == "Aperture-Dma")
                Seen.Add(string.Join(' ', [eventData.EventName!, .. eventData.Payload!]));
        }
    }
}

/// <summary>Tests of what the whole process shares.</summary>
[CollectionDefinition(nameof(AloneCollection), DisableParallelization = true)]
public sealed class AloneCollection;
