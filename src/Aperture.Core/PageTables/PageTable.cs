namespace Aperture.Core.PageTables;
/// <summary>The one page-table algorithm.</summary>
public sealed class PageTable<TFormat> : IDisposable
    where TFormat : struct, IPageTableFormat
{
    /// <summary>x</summary>
    public PageTable(TFormat format, ITableMemory memory) { Format = format; _ = memory; }
    /// <summary>x</summary>
    public TFormat Format { get; }
    /// <summary>x</summary>
    public Status Map(Iova iova, PhysicalAddress pa, ulong size, Protection protection, ref InvalidationGather gather) => Status.Ok;
    /// <summary>x</summary>
    public Status Unmap(Iova iova, ulong size, ref InvalidationGather gather, out ulong unmapped) { unmapped = 0; return Status.Ok; }
    /// <summary>x</summary>
    public void FreeGathered(ref InvalidationGather gather) { }
    /// <summary>x</summary>
    public bool TryTranslate(Iova iova, out PageTranslation t) { t = default; return false; }
    /// <summary>x</summary>
    public void Dispose() { }
}
/// <summary>x</summary>
public readonly record struct PageTranslation(PhysicalAddress Address);
