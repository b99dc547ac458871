using Aperture.Core;

namespace Aperture.DeviceTrees;

/// <summary>A window through which a device's bus reaches memory.</summary>
/// <param name="Cpu">The first byte as the CPU sees it.</param>
/// <param name="Dma">The same byte as the bus names it.</param>
/// <param name="Length">Bytes; not zero.</param>
public readonly record struct DmaRange(PhysicalAddress Cpu, ulong Dma, ulong Length);
