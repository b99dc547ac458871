using Aperture.Core;
using Aperture.Core.PageTables;

namespace Aperture.Conformance.Tables;

/// <summary>One of our page tables, whatever its format.</summary>
public abstract class ReplayedTable : IDisposable
{
    /// <summary>The format.</summary>
    public abstract IPageTableFormat Format { get; }

    /// <summary>The first table of a walk.</summary>
    public abstract PhysicalAddress Root { get; }

    /// <summary>Its level.</summary>
    public abstract int RootLevel { get; }

    /// <summary>As <see cref="PageTable{TFormat}.Map"/>.</summary>
    public abstract Status Map(Iova iova, PhysicalAddress address, ulong size, Protection protection, ref InvalidationGather gather);

    /// <summary>As <see cref="PageTable{TFormat}.Unmap"/>.</summary>
    public abstract Status Unmap(Iova iova, ulong size, ref InvalidationGather gather, out ulong unmapped);

    /// <summary>As <see cref="PageTable{TFormat}.FreeGathered"/>.</summary>
    public abstract void FreeGathered(ref InvalidationGather gather);

    /// <summary>As <see cref="PageTable{TFormat}.ReadDirty{TWritten}"/>, into a list.</summary>
    public abstract Status ReadDirty(Iova iova, ulong size, bool clear, WrittenPages written, ref InvalidationGather gather);

    /// <summary>As <see cref="PageTable{TFormat}.TryTranslate"/>.</summary>
    public abstract bool TryTranslate(Iova iova, out PageTranslation translation);

    /// <inheritdoc/>
    public abstract void Dispose();
}

/// <summary>A page table of one format.</summary>
/// <typeparam name="TFormat">The format.</typeparam>
public sealed class ReplayedTable<TFormat>(TFormat format, ITableMemory memory) : ReplayedTable
    where TFormat : struct, IPageTableFormat
{
    private readonly PageTable<TFormat> _table = new(format, memory);

    /// <inheritdoc/>
    public override IPageTableFormat Format => _table.Format;

    /// <inheritdoc/>
    public override PhysicalAddress Root => _table.Root;

    /// <inheritdoc/>
    public override int RootLevel => _table.RootLevel;

    /// <inheritdoc/>
    public override Status Map(Iova iova, PhysicalAddress address, ulong size, Protection protection, ref InvalidationGather gather) =>
        _table.Map(iova, address, size, protection, ref gather);

    /// <inheritdoc/>
    public override Status Unmap(Iova iova, ulong size, ref InvalidationGather gather, out ulong unmapped) =>
        _table.Unmap(iova, size, ref gather, out unmapped);

    /// <inheritdoc/>
    public override void FreeGathered(ref InvalidationGather gather) => _table.FreeGathered(ref gather);

    /// <inheritdoc/>
    public override Status ReadDirty(Iova iova, ulong size, bool clear, WrittenPages written, ref InvalidationGather gather) =>
        _table.ReadDirty(iova, size, clear, ref written, ref gather);

    /// <inheritdoc/>
    public override bool TryTranslate(Iova iova, out PageTranslation translation) => _table.TryTranslate(iova, out translation);

    /// <inheritdoc/>
    public override void Dispose() => _table.Dispose();
}
