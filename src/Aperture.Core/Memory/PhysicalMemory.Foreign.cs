namespace Aperture.Core.Memory;

/// <content>RAM whose bytes are somebody else's: an emulator's, a guest's.</content>
public sealed unsafe partial class PhysicalMemory
{
    /// <summary>Memory without any RAM: what there is comes by <see cref="AddForeign"/> and goes by <see cref="RemoveForeign"/>.</summary>
    public static PhysicalMemory Empty() => new();

    /// <summary>Makes bytes of the host RAM of this machine. There are no metadata for them: page tables of our own do not lie there, those
    /// of a guest do. Threads that use the memory meanwhile see the region or do not.</summary>
    /// <param name="range">Where it lies; whole pages. Banks that adjoin stay apart.</param>
    /// <param name="bytes">The first byte; good until the region was removed and every access that began before has ended.</param>
    /// <param name="isReadOnly">Whether devices may not write: a write is a bus error.</param>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: no whole pages, past the end of the address space, or more
    /// than <see cref="MaxBytes"/> in all; <see cref="Status.AlreadyExists"/>: it overlaps RAM; <see cref="Status.NotSupported"/>: the
    /// machine's caches are modelled, which know their own memory only.</exception>
    public void AddForeign(MemoryRange range, byte* bytes, bool isReadOnly)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        if (Cache is not null)
            throw new ApertureException(Status.NotSupported, $"foreign RAM {range} cannot stand behind modelled caches");
        if (range.Length == 0 || !range.Start.IsAligned(PageSize) || range.Length % PageSize != 0 || range.Last < range.Start)
        {
            throw new ApertureException(
                Status.InvalidArgument, $"foreign RAM at {range.Start} of 0x{range.Length:x} bytes is no range of pages");
        }

        var added = new MemoryRegion(range, bytes, isReadOnly);
        for (var seen = Volatile.Read(ref _regions); ;)
        {
            ObjectDisposedException.ThrowIf(seen == s_none, this);
            var total = range.Length;
            foreach (var region in seen)
            {
                if (region.Range.Overlaps(range))
                    throw new ApertureException(Status.AlreadyExists, $"foreign RAM {range} overlaps RAM {region.Range}");
                total += region.Range.Length; // each is below 2^37
            }

            if (range.Length > MaxBytes || total > MaxBytes)
            {
                throw new ApertureException(
                    Status.InvalidArgument, $"RAM with {range} is more than the 0x{MaxBytes:x} bytes that one machine may have");
            }

            MemoryRegion[] next = [.. seen, added];
            Array.Sort(next, static (a, b) => a.Range.Start.CompareTo(b.Range.Start));
            var found = Interlocked.CompareExchange(ref _regions, next, seen);
            if (found == seen)
                return;
            seen = found;
        }
    }

    /// <summary>Takes foreign bytes away. An access that has begun may still reach them when this returns.</summary>
    /// <param name="range">Exactly what was added.</param>
    /// <returns>Whether there was such a region.</returns>
    public bool RemoveForeign(MemoryRange range)
    {
        for (var seen = Volatile.Read(ref _regions); ;)
        {
            var index = Array.FindIndex(seen, region => region.Range == range && region.IsForeign);
            if (index < 0)
                return false;
            MemoryRegion[] next = [.. seen.AsSpan(0, index), .. seen.AsSpan(index + 1)];
            var found = Interlocked.CompareExchange(ref _regions, next, seen);
            if (found == seen)
                return true;
            seen = found;
        }
    }
}
