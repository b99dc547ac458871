using System.Diagnostics;
using System.Globalization;
using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma.Memory;
using Aperture.Drivers.Nvme;
using Aperture.Iommu;

namespace Aperture.Boards.Running;

/// <summary>Reads and writes of one namespace against the same bytes in an array.</summary>
internal sealed class NvmeTraffic
{
    private const int Large = 128 << 10; // bytes of a request in order
    private const int Small = 4 << 10;   // bytes of one at random
    private const int Batch = 8;         // under way at once
    private const int MostPages = 8;     // of one of these
    private const int Phases = 5;
    private const int LeastRegion = Batch * MostPages * Small;
    private const int MostRegion = 64 << 20;

    private readonly Machine _machine;
    private readonly NvmeNamespaceDevice _disk;
    private readonly Random _random;
    private readonly int _seed;
    private readonly long _bytes;    // of a phase
    private readonly byte[] _oracle; // what the first blocks hold
    private readonly string _mode;
    private readonly List<PhaseTimes> _times = [];
    private string? _trouble;
    private long _requests;

    /// <summary>A workload on the first blocks of a namespace.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="disk">The namespace; at least 256 KiB.</param>
    /// <param name="bytes">Bytes to move, about.</param>
    /// <param name="seed">What random choices come from.</param>
    public NvmeTraffic(Machine machine, NvmeNamespaceDevice disk, long bytes, int seed)
    {
        _machine = machine;
        _disk = disk;
        _seed = seed;
        _random = new Random(seed);
        _bytes = Math.Max(bytes / Phases, LeastRegion);
        var region = (long)Math.Min(disk.Bytes, MostRegion) / Large * Large;
        if (region < LeastRegion)
            throw new ApertureException(Status.NotSupported, $"{disk} has {disk.Bytes} bytes, too few for a workload");
        _oracle = new byte[Math.Min(_bytes / Large * Large, region)];
        _mode = disk.Client.Device.Iommu?.Domain?.Type switch
        {
            null => "no IOMMU",
            DomainType.Dma => "strict",
            DomainType.DmaDeferred => "deferred",
            var other => $"{other}",
        };
    }

    /// <summary>What happened, but for times.</summary>
    public string Line { get; private set; } = "";

    /// <summary>How long each phase took.</summary>
    public IReadOnlyList<PhaseTimes> Times => _times;

    private SystemMemory Memory => _disk.Client.Device.Dma.Memory;

    private int BlockBytes => _disk.BlockBytes;

    /// <summary>Does it all.</summary>
    /// <returns>Whether everything that was read is what was written.</returns>
    public bool Run()
    {
        var before = Counters();
        var told = _disk.Client.Interrupts;
        var blocks = new MemoryBlock[Batch];
        var count = 0;
        try
        {
            while (count < Batch)
                blocks[count++] = Memory.Allocate(Large);
            Sequential(blocks[0], isWrite: true);
            Sequential(blocks[0], isWrite: false);
            Scattered(blocks[0], isWrite: true);
            Scattered(blocks[0], isWrite: false);
            Mixed(blocks);
            VerifyAll(blocks[0]);
        }
        finally
        {
            foreach (var block in blocks.AsSpan(0, count))
                Memory.Free(block);
        }

        var (misses, invalidations) = Counters();
        var what = string.Create(
            CultureInfo.InvariantCulture,
            $"{_requests} requests, {_times.Sum(phase => phase.Bytes) >> 10} KiB, {_disk.Client.Interrupts - told} interrupts, "
                + $"{misses - before.Misses} misses and {invalidations - before.Invalidations} invalidations of the IOMMU");
        Line = $"{_disk.Client.Device.Name} namespace {_disk.Id} ({_mode}): {what}; {_trouble ?? "all as it was written"}";
        return _trouble is null;
    }

    /// <summary>What the units in front of the controller did.</summary>
    private (ulong Misses, ulong Invalidations) Counters()
    {
        var units = _disk.Client.Device.Iommu?.Ports.Select(port => port.Unit.Device).ToHashSet() ?? [];
        var models = _machine.Units.Where(unit => units.Contains(unit.Device)).Select(unit => unit.Model.Counters).ToArray();
        return (models.Aggregate(0ul, (sum, counters) => sum + counters.Misses),
            models.Aggregate(0ul, (sum, counters) => sum + counters.Invalidations));
    }

    private void Sequential(in MemoryBlock block, bool isWrite)
    {
        var times = new long[_bytes / Large];
        for (var i = 0; i < times.Length; i++)
            times[i] = One((int)(i * (long)Large % _oracle.Length), block, isWrite);
        Add(isWrite ? "write 128 KiB in order" : "read 128 KiB in order", (long)times.Length * Large, times);
    }

    private void Scattered(in MemoryBlock block, bool isWrite)
    {
        var times = new long[_bytes / Small];
        for (var i = 0; i < times.Length; i++)
            times[i] = One(_random.Next(_oracle.Length / Small) * Small, block.Slice(0, Small), isWrite);
        Add(isWrite ? "write 4 KiB at random" : "read 4 KiB at random", (long)times.Length * Small, times);
    }

    /// <summary>One request; a read is compared.</summary>
    /// <returns>How long it took, in nanoseconds.</returns>
    private long One(int at, MemoryBlock block, bool isWrite)
    {
        if (isWrite)
            Prepare(at, block);
        var start = Stopwatch.GetTimestamp();
        if (isWrite)
            _disk.Write((ulong)(at / BlockBytes), block);
        else
            _disk.Read((ulong)(at / BlockBytes), block);
        var time = Since(start);
        _requests++;
        if (!isWrite)
            Compare(at, block);
        return time;
    }

    /// <summary>Several at once, reads and writes of any length, each in a part of its own of the blocks.</summary>
    private void Mixed(MemoryBlock[] blocks)
    {
        var times = new List<long>();
        var part = _oracle.Length / Batch / Small * Small;
        var (places, pieces, tasks, writes) = (new int[Batch], new MemoryBlock[Batch], new Task[Batch], new bool[Batch]);
        long bytes = 0;
        while (bytes < _bytes)
        {
            for (var i = 0; i < Batch; i++)
            {
                pieces[i] = blocks[i].Slice(0, _random.Next(1, MostPages + 1) * Small);
                places[i] = (i * part) + (_random.Next(((part - pieces[i].Length) / Small) + 1) * Small);
                writes[i] = _random.Next(2) == 0;
                if (writes[i])
                    Prepare(places[i], pieces[i]);
                bytes += pieces[i].Length;
            }

            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < Batch; i++)
            {
                var block = (ulong)(places[i] / BlockBytes);
                tasks[i] = writes[i] ? _disk.WriteAsync(block, pieces[i]).AsTask() : _disk.ReadAsync(block, pieces[i]).AsTask();
            }

            _machine.Clock.WaitUntil(
                tasks, static tasks => Array.TrueForAll(tasks, task => task.IsCompleted), TimeSpan.FromMicroseconds(1), TimeSpan.MaxValue);
            times.Add(Since(start));
            foreach (var task in tasks)
                task.GetAwaiter().GetResult();
            _requests += Batch;
            for (var i = 0; i < Batch; i++)
                Compare(places[i], pieces[i]);
        }

        Add("8 reads and writes at once", bytes, [.. times]);
    }

    private void VerifyAll(MemoryBlock block)
    {
        for (var at = 0; at < _oracle.Length; at += Large)
            One(at, block, isWrite: false);
    }

    private void Prepare(int at, in MemoryBlock block)
    {
        var bytes = _oracle.AsSpan(at, block.Length);
        _random.NextBytes(bytes);
        bytes.CopyTo(block.Span);
    }

    private void Compare(int at, in MemoryBlock block)
    {
        if (!block.Span.SequenceEqual(_oracle.AsSpan(at, block.Length)))
            _trouble ??= $"{block.Length} bytes at {at} are not what was written (seed {_seed})";
    }

    private void Add(string what, long bytes, long[] times) =>
        _times.Add(new PhaseTimes($"{_disk.Client.Device.Name} {_mode}: {what}", bytes, times));

    private static long Since(long start) => (long)Stopwatch.GetElapsedTime(start).TotalNanoseconds;
}
