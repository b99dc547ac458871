namespace Aperture.Conformance.Drivers;

/// <summary>A valid TLB entry.</summary>
/// <param name="Iova">The first device address.</param>
/// <param name="Shift">Log2 of the bytes it maps.</param>
/// <param name="Address">Where they are.</param>
public readonly record struct TlbEntry(ulong Iova, int Shift, ulong Address)
{
    /// <summary>Whether it translates an address.</summary>
    public bool Contains(ulong iova) => iova >> Shift == Iova >> Shift;

    /// <summary>Whether it translates any address of a range.</summary>
    public bool Overlaps(ulong iova, ulong size) => Iova < iova + size && iova < Iova + (1UL << Shift);
}
