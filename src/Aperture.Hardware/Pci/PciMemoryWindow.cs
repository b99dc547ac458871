using Aperture.Core;

namespace Aperture.Hardware.Pci;

/// <summary>A range of addresses by which the CPU reaches a host's buses.</summary>
/// <param name="Cpu">The first byte as the CPU sees it.</param>
/// <param name="First">The same byte's address on the buses.</param>
/// <param name="Length">Bytes; not zero.</param>
public readonly record struct PciMemoryWindow(PhysicalAddress Cpu, ulong First, ulong Length)
{
    /// <summary>The last address on the buses.</summary>
    public ulong Last => First + (Length - 1);
}
