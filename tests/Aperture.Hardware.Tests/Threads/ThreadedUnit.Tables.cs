using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Core.PageTables;
using Aperture.Hardware.Bus;

namespace Aperture.Hardware.Tests.Threads;

/// <summary>The same with the tables of a format.</summary>
public abstract class ThreadedUnit<TFormat> : ThreadedUnit
    where TFormat : struct, IPageTableFormat
{
    private readonly Lock _registers = new(); // a sequence of register writes is one, as in a driver
    private readonly PageTable<TFormat> _table;

    protected ThreadedUnit(TFormat format) => _table = new PageTable<TFormat>(format, new TableAllocator(new PageAllocator(Memory)));

    protected ulong Root => _table.Root.Value;

    public override void Map(Iova iova, PhysicalAddress page)
    {
        var gather = default(InvalidationGather);
        Assert.Equal(Status.Ok, _table.Map(iova, page, PageSize, Protection.ReadWrite, ref gather));
        lock (_registers)
            Invalidate(iova);
    }

    public override void Unmap(Iova iova)
    {
        var gather = default(InvalidationGather);
        Assert.Equal(Status.Ok, _table.Unmap(iova, PageSize, ref gather, out _));
        lock (_registers)
            Invalidate(iova);
        _table.FreeGathered(ref gather);
    }

    public override void Dispose()
    {
        _table.Dispose();
        base.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>The register writes that remove a page.</summary>
    protected abstract void Invalidate(Iova iova);

    protected static void Write(IMmioDevice device, uint offset, ulong value) => Assert.True(device.TryWrite(offset, 4, value));
}
