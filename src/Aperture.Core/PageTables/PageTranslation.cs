namespace Aperture.Core.PageTables;

/// <summary>What a page table says about one device address.</summary>
/// <param name="Address">The address in memory, with the offset into the page.</param>
/// <param name="Page">The first device address of the page.</param>
/// <param name="PageShift">Log2 of the size of the page.</param>
/// <param name="Protection">The rights and attributes, as the hardware applies them.</param>
public readonly record struct PageTranslation(PhysicalAddress Address, Iova Page, int PageShift, Protection Protection);
