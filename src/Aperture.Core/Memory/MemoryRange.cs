namespace Aperture.Core.Memory;

/// <summary>A range of physical addresses.</summary>
/// <param name="Start">The first byte.</param>
/// <param name="Length">Bytes; at least one.</param>
public readonly record struct MemoryRange(PhysicalAddress Start, ulong Length)
{
    /// <summary>The last byte of the range. There is no first byte behind it by this type: behind a range that ends at 2^64 there is
    /// nothing.</summary>
    public PhysicalAddress Last => Start + (Length - 1);

    /// <summary>Whether the whole of [<paramref name="address"/>, +<paramref name="length"/>) lies inside. A length that runs
    /// past the end of the address space does not.</summary>
    public bool Contains(PhysicalAddress address, ulong length) =>
        address.Value - Start.Value < Length && length <= Length - (address.Value - Start.Value);

    /// <summary>Whether the two ranges share a byte.</summary>
    public bool Overlaps(MemoryRange other) => Start.Value <= other.Last.Value && other.Start.Value <= Last.Value;

    /// <summary>Makes one of ranges that adjoin. Those that overlap stay as they are.</summary>
    /// <param name="ranges">Ranges of at least one byte, in any order.</param>
    /// <returns>The ranges, lowest first.</returns>
    public static MemoryRange[] Join(ReadOnlySpan<MemoryRange> ranges)
    {
        var sorted = ranges.ToArray();
        Array.Sort(sorted, (a, b) => a.Start.CompareTo(b.Start));
        var count = 0;
        foreach (var range in sorted)
        {
            var isNext = count > 0 && range.Start.Value != 0 && sorted[count - 1].Last.Value == range.Start.Value - 1;
            if (isNext && sorted[count - 1].Length + range.Length is not 0 and var length) // no length says 2^64
                sorted[count - 1] = new MemoryRange(sorted[count - 1].Start, length);
            else
                sorted[count++] = range;
        }

        return sorted[..count];
    }

    /// <summary>The range as <c>[0xfirst, 0xlast]</c>.</summary>
    public override string ToString() => $"[{Start}, {Last}]";
}
