using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Core.PageTables;

namespace Aperture.Benchmarks.Core.PageTables;

/// <summary>A page table alone, of one format, with other mappings around those that come and go.</summary>
internal sealed class TableWork<TFormat> : IDisposable
    where TFormat : struct, IPageTableFormat
{
    private static readonly Iova Base = new(0x1000_0000);
    private static readonly PhysicalAddress Target = new(0x8800_0000);
    private InvalidationGather _unused; // what maps report; a lone table has no unit to tell
    private readonly PhysicalMemory _memory = new(new MemoryRange(new PhysicalAddress(0x8000_0000), 64 << 20));
    private readonly PageTable<TFormat> _table;

    public TableWork(TFormat format)
    {
        _table = new PageTable<TFormat>(format, new TableAllocator(new PageAllocator(_memory)));
        // Neighbours keep the tables alive that the work touches, as in any space in use.
        Check(Map(Base + 0x7_F000, 4096));
        Check(Map(Base + 0x18_0000, 4096));
    }

    /// <summary>Maps and unmaps one page of 4 KiB.</summary>
    public void Page(int times)
    {
        for (var i = 0; i < times; i++)
        {
            var iova = Base + (((ulong)i & 63) << 12);
            Check(Map(iova, 4096));
            Unmap(iova, 4096);
        }
    }

    /// <summary>Maps and unmaps the only page of a table, which comes and goes with it where the format reclaims tables.</summary>
    public void LonePage(int times)
    {
        var iova = Base + (64UL << 20);
        for (var i = 0; i < times; i++)
        {
            Check(Map(iova, 4096));
            Unmap(iova, 4096);
        }
    }

    /// <summary>Maps and unmaps 256 pages of 4 KiB in one call; the memory lies so that no larger page fits.</summary>
    public void Pages256(int times)
    {
        var iova = Base + 0x8_0000;
        for (var i = 0; i < times; i++)
        {
            Check(_table.Map(iova, Target + 0x1000, 256 << 12, Protection.ReadWrite, ref Unused()));
            Unmap(iova, 256 << 12);
        }
    }

    /// <summary>Looks up where a device address leads, through all levels.</summary>
    public void Translate(int times)
    {
        for (var i = 0; i < times; i++)
        {
            if (!_table.TryTranslate(Base + 0x7_F000 + ((ulong)i & 1) * 0x10_1000, out var translation) || translation.PageShift != 12)
                Fail(Status.NotFound);
        }
    }

    public void Dispose()
    {
        _table.Dispose();
        _memory.Dispose();
    }

    private ref InvalidationGather Unused()
    {
        _unused.ClearRanges();
        return ref _unused;
    }

    private Status Map(Iova iova, ulong size) => _table.Map(iova, Target, size, Protection.ReadWrite, ref Unused());

    private void Unmap(Iova iova, ulong size)
    {
        var gather = new InvalidationGather();
        var status = _table.Unmap(iova, size, ref gather, out var unmapped);
        if (status != Status.Ok || unmapped != size)
            Fail(status);
        _table.FreeGathered(ref gather);
    }

    private static void Check(Status status)
    {
        if (status != Status.Ok)
            Fail(status);
    }

    private static void Fail(Status status) => throw new ApertureException(status, $"the work failed: {status}");
}
