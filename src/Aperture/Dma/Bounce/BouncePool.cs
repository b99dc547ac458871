using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using Aperture.Core;
using Aperture.Core.Threading;
using Aperture.Diagnostics;
using Aperture.Dma.Memory;
using Aperture.Dma.Meters;

namespace Aperture.Dma.Bounce;

/// <summary>Memory that stands in for memory that a device cannot reach or must not: the bytes are copied in when the device gets
/// them, and back when the CPU does.</summary>
/// <remarks>
/// <para>Thread-safe. Slots of 2 KiB in segments of 256 KiB, which no buffer crosses; areas with a lock of their own, one for each core
/// (Linux's software IO TLB). A pool grows at once when it is full, instead of by a worker and a buffer of its own for the one request
/// meanwhile: allocating memory never has to wait here.</para>
/// </remarks>
public sealed class BouncePool
{
    private readonly Lock _growing = new();      // one thread at a time adds memory
    private readonly BounceOptions _options;
    private readonly int _areas;                 // areas that a chunk gets at most
    private BounceChunk[] _chunks = [];          // replaced whole when the pool grows; never shrinks
    private long _bytes;                         // of all chunks
    private int _peak;                           // most slots that were ever taken at once, as seen by those who took some

    /// <summary>A pool that takes its memory when the first buffer is needed.</summary>
    /// <param name="memory">Where from.</param>
    /// <param name="options">How much.</param>
    public BouncePool(SystemMemory memory, BounceOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(memory);
        Source = memory;
        _options = options ?? new BounceOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.Bytes, 1, nameof(options));
        Name = DmaMeter.Watch(this, "bounce");
        _areas = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(1, _options.Areas > 0 ? _options.Areas : Environment.ProcessorCount));
    }

    /// <summary>A pool of just this memory, for the devices that have it as their restricted pool: everything of theirs bounces, and
    /// coherent memory comes from here too.</summary>
    /// <param name="memory">The memory's system, for its caches.</param>
    /// <param name="region">Whole segments of 256 KiB are used.</param>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: less than a segment.</exception>
    public BouncePool(SystemMemory memory, MemoryBlock region)
    {
        ArgumentNullException.ThrowIfNull(memory);
        if (region.Length < BounceChunk.SegmentBytes)
            throw new ApertureException(Status.InvalidArgument,
                $"a bounce pool of 0x{region.Length:x} bytes is less than one segment of 0x{BounceChunk.SegmentBytes:x}");
        Source = memory;
        IsRestricted = true;
        Name = DmaMeter.Watch(this, "restricted");
        _areas = 1;
        _options = new BounceOptions { Bytes = region.Length, MaxBytes = 0 };
        Add(region.Slice(0, region.Length / BounceChunk.SegmentBytes * BounceChunk.SegmentBytes));
    }

    /// <summary>The largest buffer, in bytes, for a device that wants no address bits kept.</summary>
    public const int MaxMapping = BounceChunk.SegmentBytes;

    /// <summary>Whether it is the pool of certain devices, whose every mapping it serves.</summary>
    public bool IsRestricted { get; }

    /// <summary>Bytes of all slots.</summary>
    public long TotalBytes => Volatile.Read(ref _bytes);

    /// <summary>Slots taken, of 2 KiB each.</summary>
    public int UsedSlots
    {
        get
        {
            var used = 0;
            foreach (var chunk in Volatile.Read(ref _chunks))
                used += chunk.Used;
            return used;
        }
    }

    /// <summary>The most slots that were taken at once.</summary>
    public int PeakSlots => Volatile.Read(ref _peak);

    /// <summary>Whether nobody uses it any more: its figures have ended.</summary>
    internal bool IsClosed { get; private set; }

    /// <summary>What figures call it.</summary>
    internal string Name { get; }

    /// <summary>Where the memory comes from.</summary>
    internal SystemMemory Source { get; }

    /// <summary>Ends its figures: the machine is gone.</summary>
    internal void Close() => IsClosed = true;

    /// <summary>Whether an address lies in the pool.</summary>
    public bool Contains(PhysicalAddress address) => Find(address) is not null;

    /// <summary>Who holds the slots, the greediest first: <c>1000.eth: 12 buffers, 24576 bytes; …</c>.</summary>
    public string DescribeOwners()
    {
        var owners = new Dictionary<DmaContext, (int Buffers, long Bytes)>();
        foreach (var chunk in Volatile.Read(ref _chunks))
            chunk.AddOwners(owners);
        return string.Join("; ", owners.OrderByDescending(owner => owner.Value.Bytes)
            .ThenBy(owner => owner.Key.DeviceName, StringComparer.Ordinal)
            .Select(owner => string.Create(CultureInfo.InvariantCulture,
                $"{owner.Key.DeviceName}: {owner.Value.Buffers} buffers, {owner.Value.Bytes} bytes")));
    }

    /// <summary>Whether it can grow, in words.</summary>
    internal string DescribeGrowth() => IsRestricted ? "a restricted pool does not grow"
        : _bytes + _options.Bytes > _options.MaxBytes ? $"it grows to 0x{_options.MaxBytes:x} bytes at most"
        : $"there is no memory to grow, {Source.Describe(new PhysicalAddress(ulong.MaxValue))}";

    /// <summary>Takes a buffer and copies the origin into it, whatever the direction: what the device does not write must come back
    /// unchanged.</summary>
    /// <returns><see cref="Status.InvalidArgument"/>: larger than a buffer can be; <see cref="Status.NoSpace"/>: the pool is full;
    /// <see cref="Status.OutOfRange"/>: no memory that the device can reach.</returns>
    internal unsafe Status TryTake(in BounceRequest request, out PhysicalAddress address)
    {
        address = default;
        var offset = request.OriginAddress & request.MinAlignMask & (request.AllocAlignMask | (BounceChunk.SlotBytes - 1));
        if (request.Length > BounceChunk.SegmentBytes)
            return Status.InvalidArgument;
        var size = (request.Length + offset + request.AllocAlignMask) & ~request.AllocAlignMask;
        if (size > BounceChunk.SegmentBytes)
            return Status.InvalidArgument;
        while (true)
        {
            var chunks = Volatile.Read(ref _chunks);
            if (TryTake(chunks, request, size, offset, out address))
            {
                // What a device left in memory must not survive under a copy that the CPU's caches held already.
                Source.Invalidate(address - offset, size);
                if (request.Origin is not null)
                    Copy(address, request.Length, true);
                Measure();
                return Status.Ok;
            }

            var status = Grow(chunks, request);
            if (status != Status.Ok)
                return status;
        }
    }

    /// <summary>Copies from the origin into the buffers, or back; bytes that are in no buffer are left alone.</summary>
    internal void Copy(PhysicalAddress address, ulong length, bool toBuffer)
    {
        var done = Find(address)?.Copy(address, length, toBuffer) ?? 0;
        DmaMeter.Bounced(done);
    }

    /// <summary>Whether an address lies in a buffer that mirrors other memory; it does not where the pool's memory was given out
    /// itself.</summary>
    internal bool Mirrors(PhysicalAddress address) => Find(address)?.Mirrors(address) ?? false;

    /// <summary>Whether a buffer begins at an address that an owner took and has not given back.</summary>
    internal bool IsHeld(PhysicalAddress address, DmaContext owner) => Find(address)?.IsHeld(address, owner) ?? false;

    /// <summary>Gives a buffer back.</summary>
    internal void Release(PhysicalAddress address) => Find(address)!.Release(address);

    /// <summary>Bytes of the pool.</summary>
    internal unsafe Span<byte> Span(PhysicalAddress address, int length) => new(Find(address)!.Pointer(address), length);

    private bool TryTake(BounceChunk[] chunks, in BounceRequest request, ulong size, ulong offset, out PhysicalAddress address)
    {
        // The same area of every chunk before the next one: what other threads use is left alone as long as it can be.
        var slot = ThreadSlot.Current;
        for (var i = 0; i < _areas; i++)
        {
            foreach (var chunk in chunks)
            {
                if (i < chunk.Areas && chunk.TryTake((slot + i) & (chunk.Areas - 1), request, size, offset, out address))
                    return true;
            }
        }

        address = default;
        return false;
    }

    private Status Grow(BounceChunk[] seen, in BounceRequest request)
    {
        lock (_growing)
        {
            if (!ReferenceEquals(seen, _chunks))
                return Status.Ok; // somebody was faster
            var bytes = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(_options.Bytes, BounceChunk.SegmentBytes));
            if (_chunks.Length > 0 && (_bytes + bytes > _options.MaxBytes || IsRestricted))
                return IsRestricted || IsReached(request) ? Status.NoSpace : Status.OutOfRange;
            var highest = request.Limit is { } limit ? request.Owner.HighestPhysical(limit) : new PhysicalAddress(ulong.MaxValue);
            for (; bytes >= BounceChunk.SegmentBytes; bytes /= 2)
            {
                if (!Source.TryAllocate(bytes, highest, out var block))
                    continue;
                if (!request.Reaches(block))
                {
                    Source.Free(block); // below or between the bus's windows
                    continue;
                }

                Add(block);
                AssertInvariants();
                if (DmaEventSource.Log.IsEnabled())
                    DmaEventSource.Log.BouncePoolGrew(TotalBytes);
                return Status.Ok;
            }

            return IsReached(request) ? Status.NoSpace : Status.OutOfRange;
        }
    }

    private bool IsReached(in BounceRequest request)
    {
        foreach (var chunk in _chunks)
        {
            if (request.Reaches(chunk.Memory))
                return true;
        }

        return false;
    }

    private void Add(MemoryBlock block)
    {
        Source.Share(block);
        Volatile.Write(ref _chunks, [.. _chunks, new BounceChunk(block, _areas)]);
        Volatile.Write(ref _bytes, _bytes + block.Length);
    }

    /// <summary>Asserts what holds whenever nobody adds memory, in Debug. Call it under the lock.</summary>
    [Conditional("DEBUG")]
    private void AssertInvariants()
    {
        Debug.Assert(_growing.IsHeldByCurrentThread, "a pool is looked at under its lock");
        long bytes = 0;
        foreach (var chunk in _chunks)
        {
            bytes += chunk.Memory.Length;
            Debug.Assert(Find(chunk.Memory.Address) == chunk, "pieces of memory lie apart");
            Debug.Assert(chunk.Areas <= _areas, "a piece has no more areas than the pool");
        }

        Debug.Assert(bytes == _bytes, "the bytes are those of the pieces");
        Debug.Assert(_chunks.Length == 1 || (bytes <= _options.MaxBytes && !IsRestricted), "a pool grows no further than it may");
    }

    private BounceChunk? Find(PhysicalAddress address)
    {
        foreach (var chunk in Volatile.Read(ref _chunks))
        {
            if (chunk.Contains(address))
                return chunk;
        }

        return null;
    }

    private void Measure()
    {
        var used = UsedSlots;
        for (var seen = Volatile.Read(ref _peak); seen < used;)
        {
            var now = Interlocked.CompareExchange(ref _peak, used, seen);
            if (now == seen)
                return;
            seen = now;
        }
    }
}
