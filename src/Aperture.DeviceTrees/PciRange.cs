using Aperture.Core;

namespace Aperture.DeviceTrees;

/// <summary>A window of memory space of a PCI host, from its <c>ranges</c>.</summary>
/// <param name="Cpu">The first byte as the CPU sees it.</param>
/// <param name="First">The same byte's address on the buses.</param>
/// <param name="Length">Bytes; not zero.</param>
/// <param name="IsWide">Whether the tree calls it 64-bit space.</param>
public readonly record struct PciRange(PhysicalAddress Cpu, ulong First, ulong Length, bool IsWide)
{
    /// <summary>The last address on the buses.</summary>
    public ulong Last => First + (Length - 1);
}
