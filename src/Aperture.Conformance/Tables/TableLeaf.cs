using Aperture.Core;

namespace Aperture.Conformance.Tables;

/// <summary>A leaf of a table: one page, or one entry of a page whose equal entries are not all there any more.</summary>
/// <param name="Iova">The first device address.</param>
/// <param name="Shift">Log2 of the bytes it maps.</param>
/// <param name="Address">Where they are.</param>
/// <param name="Protection">Rights and attributes.</param>
/// <param name="PageShift">Log2 of the page size that its entries name: more than <paramref name="Shift"/> for a torn page.</param>
public readonly record struct TableLeaf(ulong Iova, int Shift, ulong Address, Protection Protection, int PageShift)
{
    /// <summary>The first device address behind it.</summary>
    public ulong End => Iova + (1UL << Shift);

    /// <summary>Whether it is what is left of a page of several entries.</summary>
    public bool IsTorn => PageShift != Shift;

    /// <summary>Whether both map the same.</summary>
    public bool MapsAs(TableLeaf other) => (Iova, Shift, Address, Protection) == (other.Iova, other.Shift, other.Address, other.Protection);
}
