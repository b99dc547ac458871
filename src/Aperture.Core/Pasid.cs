using System.Globalization;

namespace Aperture.Core;

/// <summary>Which of a master's address spaces an access is for: a process address space ID (PCI Express Base 4.0, 6.20), called substream
/// ID by ARM's SMMUv3 and process ID by RISC-V's IOMMU.</summary>
/// <param name="Value">The number, 0 to <see cref="Largest"/>; a unit may take fewer bits.</param>
public readonly record struct Pasid(uint Value)
{
    /// <summary>Bits of the widest one.</summary>
    public const int MaxBits = 20;

    /// <summary>The largest one.</summary>
    public const uint Largest = (1u << MaxBits) - 1;

    /// <summary>The number in decimal.</summary>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
