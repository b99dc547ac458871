using Aperture.Core;

namespace Aperture.Iommu.Recorded;

/// <summary>A mapping as a space has it: made in one piece, and only to be removed in one.</summary>
/// <param name="Start">The first device address.</param>
/// <param name="Size">Bytes, at least one page.</param>
/// <param name="Address">Where the memory is.</param>
/// <param name="Protection">What the device may.</param>
public readonly record struct RecordedMapping(ulong Start, ulong Size, ulong Address, Protection Protection)
{
    /// <summary>The last device address.</summary>
    public ulong Last => Start + (Size - 1);

    /// <summary>A part of it.</summary>
    /// <param name="from">Bytes before the part.</param>
    /// <param name="size">Bytes of the part.</param>
    public RecordedMapping Slice(ulong from, ulong size) => new(Start + from, size, Address + from, Protection);
}
