using System.Diagnostics;
using System.Numerics;
using Aperture.Core;
using Aperture.Core.Memory;

namespace Aperture.Dma.Memory;

/// <summary>A range of memory set aside for certain devices: blocks of a power of two of pages, each aligned to its size within the
/// range, at the lowest place that fits.</summary>
/// <remarks>Thread-safe.</remarks>
public sealed class DmaPool : SystemMemory
{
    private const int PageShift = 12;

    private readonly Lock _lock = new();    // guards the map
    private readonly SystemMemory _system;
    private readonly MemoryBlock _region;
    private readonly ulong[] _taken;        // one bit a page, set while it is taken

    /// <summary>A pool of a region.</summary>
    /// <param name="system">The memory that the region is a part of, for its caches.</param>
    /// <param name="region">Whole pages.</param>
    /// <param name="name">What messages call it.</param>
    public DmaPool(SystemMemory system, MemoryBlock region, string name)
    {
        ArgumentNullException.ThrowIfNull(system);
        if (region.Length < 1 << PageShift || !region.Address.IsAligned(1 << PageShift))
            throw new ApertureException(Status.InvalidArgument,
                $"pool '{name}' of 0x{region.Length:x} bytes at {region.Address} is not whole pages");
        _system = system;
        _region = region;
        Name = name;
        Pages = region.Length >> PageShift;
        _taken = new ulong[(Pages + 63) / 64];
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <summary>Pages of it.</summary>
    public int Pages { get; }

    /// <summary>Pages that are taken.</summary>
    public int UsedPages
    {
        get
        {
            var used = 0;
            lock (_lock)
            {
                foreach (var word in _taken)
                    used += BitOperations.PopCount(word);
            }

            return used;
        }
    }

    /// <inheritdoc/>
    public override PhysicalAddress LowestAddress => _region.Address;

    /// <inheritdoc/>
    public override PhysicalAddress HighestAddress => _region.Address + (ulong)(_region.Length - 1);

    /// <inheritdoc/>
    public override bool NeedsMaintenance => _system.NeedsMaintenance;

    /// <inheritdoc/>
    public override int CacheAlignment => _system.CacheAlignment;

    /// <inheritdoc/>
    public override bool Owns(PhysicalAddress address) => Range.Contains(address, 1);

    /// <inheritdoc/>
    public override bool Owns(PhysicalAddress address, ulong length) => Range.Contains(address, length);

    /// <inheritdoc/>
    public override bool OwnsAny(PhysicalAddress address, ulong length) => Range.Overlaps(new MemoryRange(address, length));

    private MemoryRange Range => new(_region.Address, (ulong)_region.Length);

    /// <inheritdoc/>
    public override bool TryAllocate(int bytes, PhysicalAddress highest, out MemoryBlock block)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1);
        block = default;
        var pages = PagesOf(bytes);
        lock (_lock)
        {
            for (var page = 0; page + pages <= Pages; page += pages)
            {
                if ((_region.Address + ((ulong)(page + pages) << PageShift) - 1) > highest)
                    return false;
                if (!IsFree(page, pages))
                    continue;
                Mark(page, pages, true);
                AssertInvariants();
                block = _region.Slice(page << PageShift, bytes);
                break;
            }
        }

        if (block.Length == 0)
            return false;
        // What a device left in memory must not survive under zeros that the CPU's caches held already.
        _system.Invalidate(block.Address, (ulong)pages << PageShift);
        _region.Slice((int)(block.Address - _region.Address), pages << PageShift).Span.Clear();
        return true;
    }

    /// <inheritdoc/>
    public override MemoryRoom? Measure(PhysicalAddress highest)
    {
        var room = default(MemoryRoom);
        lock (_lock)
        {
            for (var pages = (int)BitOperations.RoundUpToPowerOf2((uint)Pages); pages > 0; pages >>= 1)
            {
                for (var page = 0; page + pages <= Pages; page += pages)
                {
                    if ((_region.Address + ((ulong)(page + pages) << PageShift) - 1) > highest)
                        break;
                    if (!IsFree(page, pages))
                        continue;
                    var bytes = (ulong)pages << PageShift;
                    room = new MemoryRoom(room.Free + (pages == 1 ? bytes : 0), Math.Max(room.LargestPiece, bytes));
                }
            }
        }

        return room;
    }

    /// <inheritdoc/>
    protected override void Release(MemoryBlock block)
    {
        var page = (int)((block.Address - _region.Address) >> PageShift);
        var pages = PagesOf(Math.Max(1, block.Length));
        lock (_lock)
        {
            if (!Owns(block.Address) || page + pages > Pages || !IsTaken(page, pages))
                throw new ApertureException(Status.InvalidArgument,
                    $"0x{block.Length:x} bytes at {block.Address} are not taken from pool '{Name}' and cannot be freed");
            _system.MakePrivate(block);
            Mark(page, pages, false);
            AssertInvariants();
        }
    }

    /// <inheritdoc/>
    public override void Clean(PhysicalAddress address, ulong length) => _system.Clean(address, length);

    /// <inheritdoc/>
    public override void Invalidate(PhysicalAddress address, ulong length) => _system.Invalidate(address, length);

    /// <inheritdoc/>
    public override void CleanInvalidate(PhysicalAddress address, ulong length) => _system.CleanInvalidate(address, length);

    /// <inheritdoc/>
    public override bool IsConfidential => _system.IsConfidential;

    /// <inheritdoc/>
    public override bool IsPrivate(PhysicalAddress address, ulong length) => _system.IsPrivate(address, length);

    /// <inheritdoc/>
    public override void Share(MemoryBlock block) => _system.Share(block);

    /// <inheritdoc/>
    public override void MakePrivate(MemoryBlock block) => _system.MakePrivate(block);

    /// <inheritdoc/>
    public override MemoryBlock MakeUncached(MemoryBlock block) => _system.MakeUncached(block);

    /// <inheritdoc/>
    public override MemoryBlock MakeCached(MemoryBlock block) => _system.MakeCached(block);

    private static int PagesOf(int bytes) =>
        (int)BitOperations.RoundUpToPowerOf2((uint)(((long)bytes + (1 << PageShift) - 1) >> PageShift));

    private bool IsFree(int page, int pages)
    {
        for (var i = page; i < page + pages; i++)
        {
            if ((_taken[i >> 6] & (1UL << (i & 63))) != 0)
                return false;
        }

        return true;
    }

    private bool IsTaken(int page, int pages)
    {
        for (var i = page; i < page + pages; i++)
        {
            if ((_taken[i >> 6] & (1UL << (i & 63))) == 0)
                return false;
        }

        return true;
    }

    private void Mark(int page, int pages, bool taken)
    {
        Debug.Assert(taken ? IsFree(page, pages) : IsTaken(page, pages), "pages change from free to taken, or back");
        for (var i = page; i < page + pages; i++)
        {
            if (taken)
                _taken[i >> 6] |= 1UL << (i & 63);
            else
                _taken[i >> 6] &= ~(1UL << (i & 63));
        }
    }

    /// <summary>Asserts what holds whenever nobody takes or gives back, in Debug. Call it under the lock.</summary>
    [Conditional("DEBUG")]
    private void AssertInvariants()
    {
        Debug.Assert(_lock.IsHeldByCurrentThread, "a pool is looked at under its lock");
        Debug.Assert((Pages & 63) == 0 || _taken[^1] >> (Pages & 63) == 0, "what lies behind the last page is not taken");
    }
}
