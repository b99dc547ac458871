using Aperture.Core;

namespace Aperture.Linux.AddressSpaces;

/// <summary>A mapping as the kernel has it: made in one piece and only to be removed in one.</summary>
/// <param name="Start">The first device address.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Address">Where the memory is in this process.</param>
/// <param name="Protection">What the device may.</param>
internal readonly record struct HostMapping(ulong Start, ulong Size, ulong Address, Protection Protection)
{
    /// <summary>The last device address.</summary>
    public ulong Last => Start + (Size - 1);

    /// <summary>A part of it.</summary>
    public HostMapping Slice(ulong from, ulong size) => new(Start + from, size, Address + from, Protection);
}
