using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Aperture.Core.Memory;

/// <summary>The RAM of a machine: up to 64 GiB of it in several regions, each one contiguous block of host address space that
/// costs host memory only where it was touched. Fresh memory reads as zero. Banks that adjoin are one region: whoever reads or
/// writes over the joint finds no edge there, as on a board.</summary>
/// <remarks>Reads and writes are plain host accesses: as atomic and as ordered as the host makes them. Any number of threads
/// may use it at once. The metadata of a kibibyte ("frame") are words that the owner of that memory may use as it likes.</remarks>
public sealed unsafe partial class PhysicalMemory : IDisposable
{
    /// <summary>Bytes to a page frame.</summary>
    public const int PageSize = 4096;

    /// <summary>Bytes that share metadata.</summary>
    public const int FrameSize = 1024;

    /// <summary>Words of metadata of a frame: a cache line, so that threads at work on frames of their own do not meet in it.</summary>
    public const int FrameWords = 8;

    /// <summary>The most RAM that one machine may have, in bytes.</summary>
    public const ulong MaxBytes = 64UL << 30;

    /// <summary>Whether regions are no more in all than one machine may have.</summary>
    public static bool CanBe(IReadOnlyList<MemoryRange> regions)
    {
        ArgumentNullException.ThrowIfNull(regions);
        var left = MaxBytes;
        foreach (var region in regions)
        {
            if (region.Length > left)
                return false;
            left -= region.Length;
        }

        return true;
    }

#pragma warning disable CA1825 // an object of its own, which no other empty array is
    private static readonly MemoryRegion[] s_none = new MemoryRegion[0]; // of memory that is disposed
#pragma warning restore CA1825

    private MemoryRegion[] _regions;    // sorted by address; those of our own with a gap between any two; replaced whole
    private MemoryRegion[] _retired = []; // once disposed: kept, so that the address space stays theirs while anybody has this object

    /// <summary>Reserves host address space for the regions.</summary>
    /// <param name="regions">Page-aligned, disjoint ranges in any order; in all at most <see cref="MaxBytes"/>.</param>
    /// <exception cref="ApertureException">No region, a misaligned, empty or overlapping one, too much in all, or the host has no address
    /// space left.</exception>
    public PhysicalMemory(params ReadOnlySpan<MemoryRange> regions)
        : this(null, regions)
    {
    }

    /// <summary>Reserves host address space for the regions, and models the caches between the CPU and them.</summary>
    /// <param name="caches">What the caches are like; null for none: the CPU and devices see the same bytes at any time.</param>
    /// <param name="regions">As above. With caches each one takes three times the address space, and what the CPU wrote three times
    /// the memory.</param>
    /// <exception cref="ApertureException">As above, or an option is out of its range.</exception>
    public PhysicalMemory(CpuCacheOptions? caches, params ReadOnlySpan<MemoryRange> regions)
    {
        caches?.Validate();
        var sorted = regions.ToArray();
        Array.Sort(sorted, (a, b) => a.Start.CompareTo(b.Start));
        if (sorted.Length == 0)
            throw new ApertureException(Status.InvalidArgument, "a machine needs at least one region of RAM");

        ulong total = 0;
        for (var i = 0; i < sorted.Length; i++)
        {
            var range = sorted[i];
            if (range.Length == 0 || !range.Start.IsAligned(PageSize) || range.Length % PageSize != 0 || range.Last < range.Start)
            {
                throw new ApertureException(Status.InvalidArgument, $"RAM region at {range.Start} of 0x{range.Length:x} bytes is empty, "
                    + $"not a whole number of {PageSize}-byte pages, or runs past the end of the address space");
            }


            if (i > 0 && sorted[i - 1].Overlaps(range))
                throw new ApertureException(Status.InvalidArgument, $"RAM regions {sorted[i - 1]} and {range} overlap");
            total += range.Length;

            // After each region, before the sum can wrap.
            if (range.Length > MaxBytes || total > MaxBytes)
            {
                throw new ApertureException(Status.InvalidArgument,
                    $"RAM up to region {range} is more than the 0x{MaxBytes:x} bytes that one machine may have");
            }

        }

        var joined = MemoryRange.Join(sorted);
        _regions = new MemoryRegion[joined.Length];
        try
        {
            for (var i = 0; i < joined.Length; i++)
                _regions[i] = new MemoryRegion(joined[i], caches is not null);
        }
        catch
        {
            foreach (var region in _regions)
                region?.Dispose();
            throw;
        }

        if (caches is not null)
            Cache = new CpuCache(_regions, caches);
    }

    private PhysicalMemory() => _regions = [];

    /// <summary>The regions, lowest first; banks that adjoin are one.</summary>
    public IEnumerable<MemoryRange> Regions => _regions.Select(region => region.Range);

    /// <summary>The caches between the CPU and this memory; null where they are not modelled, and every device may be taken to
    /// snoop.</summary>
    public CpuCache? Cache { get; }

    /// <summary>Which pages no device reaches, on a confidential machine; null on any other.</summary>
    public PrivatePages? Private { get; private set; }

    /// <summary>Makes all RAM private to the machine (confidential computing): devices reach what is shared only. Before a bus and drivers
    /// see it.</summary>
    public void MakeConfidential() => Private ??= new PrivatePages(this);

    /// <summary>Pages that lie apart and are seen as one piece.</summary>
    public JoinedPages Joined { get; } = new();

    /// <summary>Whether any byte of a range is RAM.</summary>
    public bool Overlaps(MemoryRange range)
    {
        foreach (var region in _regions)
        {
            if (region.Range.Overlaps(range))
                return true;
        }

        return false;
    }

    /// <summary>Whether all of [<paramref name="address"/>, +<paramref name="length"/>) is RAM.</summary>
    public bool Contains(PhysicalAddress address, ulong length) => TryGetPointer(address, length, out _);

    /// <summary>The host address of a range of RAM as the CPU sees it, good until the memory is disposed.</summary>
    /// <returns>False when the range is not wholly inside one region.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryGetPointer(PhysicalAddress address, ulong length, out byte* pointer)
    {
        foreach (var region in _regions)
        {
            var offset = address.Value - region.Range.Start.Value;
            if (offset < region.Range.Length && length <= region.Range.Length - offset)
            {
                pointer = region.Bytes + offset;
                return true;
            }
        }

        pointer = null;
        return false;
    }

    /// <summary>The host address of a range of RAM as the bus sees it: devices that do not snoop, table walkers, and the CPU where it
    /// has no cached view. Without modelled caches it is what <see cref="TryGetPointer"/> gives.</summary>
    /// <returns>False when the range is not wholly inside one region.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryGetDramPointer(PhysicalAddress address, ulong length, out byte* pointer)
    {
        foreach (var region in _regions)
        {
            var offset = address.Value - region.Range.Start.Value;
            if (offset < region.Range.Length && length <= region.Range.Length - offset)
            {
                pointer = region.Dram + offset;
                return true;
            }
        }

        pointer = null;
        return false;
    }

    /// <summary>The same for what is about to be written.</summary>
    /// <returns>False when the range is not wholly inside one region, or that is read-only.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryGetWritableDramPointer(PhysicalAddress address, ulong length, out byte* pointer)
    {
        foreach (var region in _regions)
        {
            var offset = address.Value - region.Range.Start.Value;
            if (offset < region.Range.Length && length <= region.Range.Length - offset && !region.IsReadOnly)
            {
                pointer = region.Dram + offset;
                return true;
            }
        }

        pointer = null;
        return false;
    }

    /// <summary>The bytes of a range of RAM as the bus sees them.</summary>
    /// <exception cref="ApertureException">The range is not wholly inside one region.</exception>
    public Span<byte> DramSpan(PhysicalAddress address, int length)
    {
        if (!TryGetDramPointer(address, (ulong)length, out var pointer))
            Throw(address, (ulong)length);
        return new Span<byte>(pointer, length);
    }

    /// <summary>The bytes of a range of RAM as the CPU sees them.</summary>
    /// <exception cref="ApertureException">The range is not wholly inside one region.</exception>
    public Span<byte> Span(PhysicalAddress address, int length)
    {
        if (!TryGetPointer(address, (ulong)length, out var pointer))
            Throw(address, (ulong)length);
        return new Span<byte>(pointer, length);
    }

    /// <summary>The host address of a range of RAM, as the CPU sees it, together with the first of the <see cref="FrameWords"/> words of
    /// metadata of its first frame, zero at first.</summary>
    /// <returns>False when the range is not wholly inside one region, or that is foreign: see <see cref="AddForeign"/>.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryGetFrame(PhysicalAddress address, ulong length, out byte* pointer, out ulong* word)
    {
        foreach (var region in _regions)
        {
            var offset = address.Value - region.Range.Start.Value;
            if (offset < region.Range.Length && length <= region.Range.Length - offset && region.Metadata != null)
            {
                pointer = region.Bytes + offset;
                word = region.Metadata + (offset / FrameSize * FrameWords);
                return true;
            }
        }

        pointer = null;
        word = null;
        return false;
    }

    /// <summary>Whether the memory was given back.</summary>
    public bool IsDisposed => Volatile.Read(ref _regions) == s_none;

    /// <summary>Gives the host memory back. There is no RAM any more: for the bus nothing answers, and whoever asks for bytes gets an
    /// <see cref="ObjectDisposedException"/>. Pointers and spans from here are void; nobody else gets their addresses while this object
    /// is in use, so that a late access harms nobody: it finds zeros, and in Debug it ends the process where it happens.</summary>
    public void Dispose()
    {
        var regions = Interlocked.Exchange(ref _regions, s_none);
        if (regions == s_none)
            return;
        Volatile.Write(ref _retired, regions);
        Cache?.Close();
        foreach (var region in regions)
            region.Retire();
        Joined.Close();
    }

    [DoesNotReturn]
    private void Throw(PhysicalAddress address, ulong length)
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        ThrowNoRam(address, length);
    }

    [DoesNotReturn]
    internal static void ThrowNoRam(PhysicalAddress address, ulong length) =>
        throw new ApertureException(Status.BadAddress, $"0x{length:x} bytes at {address} are not inside one region of RAM");
}
