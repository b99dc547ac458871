namespace Aperture.Datasheets.Tegra;

/// <summary>SMMU_PTB_DATA: where the page directory of an address space is, and what the whole space permits. The layout is that of a
/// <see cref="TegraDescriptor"/> without NEXT.</summary>
public static class TegraTableData
{
    /// <summary>The word for a page directory whose entries decide about all rights.</summary>
    /// <param name="directory">Its physical address.</param>
    public static uint For(ulong directory) => (uint)(directory >> TegraDescriptor.PageShift) | TegraDescriptor.RightsMask;
}
