using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Core.PageTables;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation.Walking;

namespace Aperture.Hardware.Tests.Translation.Walking;

/// <summary>RAM with tables that software made, and what a walker finds in them.</summary>
internal sealed class WalkScene : IDisposable
{
    public WalkScene(ulong start = 0x8000_0000, ulong bytes = 64 << 20, CpuCacheOptions? caches = null)
    {
        Memory = new PhysicalMemory(caches, new MemoryRange(new PhysicalAddress(start), bytes));
        Pages = new PageAllocator(Memory);
        Tables = new TableAllocator(Pages);
        Bus = new SystemBus(Memory);
    }

    public PhysicalMemory Memory { get; }

    public PageAllocator Pages { get; }

    public TableAllocator Tables { get; }

    public SystemBus Bus { get; }

    public BusTableReader Reader => new(Bus);

    public void Dispose() => Memory.Dispose();

    public TableWalker<TFormat,
        BusTableReader> Walker<TFormat>(PageTable<TFormat> table, TableUpdates updates = TableUpdates.None, int stage = 1)
        where TFormat : struct, IPageTableFormat => new(table.Format, Reader, table.Root, table.RootLevel, updates, stage);

    /// <summary>An address that is mapped three times of four, if any is.</summary>
    public static ulong Choose(PageTranslation[] mappings, Random random, ulong window, ulong span)
    {
        if (mappings.Length == 0 || random.Next(4) == 0)
            return window + (ulong)random.NextInt64((long)span);
        var page = mappings[random.Next(mappings.Length)];
        return page.Page.Value + (ulong)random.NextInt64(1L << page.PageShift);
    }

    /// <summary>Maps pages of all sizes at random, and takes some away again.</summary>
    /// <param name="table">The table.</param>
    /// <param name="random">The choice.</param>
    /// <param name="window">The first address.</param>
    /// <param name="span">Bytes from there on that are used.</param>
    /// <param name="rights">What pages are mapped with.</param>
    /// <param name="output">Chooses where a page of so many bytes lies.</param>
    public static void MapAtRandom<TFormat>(
        PageTable<TFormat> table, Random random, ulong window, ulong span, Protection[] rights, Func<ulong, PhysicalAddress> output)
        where TFormat : struct, IPageTableFormat
    {
        var sizes = Enumerable.Range(0, 64).Select(bit => 1UL << bit)
            .Where(size => (table.Format.PageSizes & size) != 0 && size <= span / 4).ToArray();
        for (var i = 0; i < 600; i++)
        {
            var gather = default(InvalidationGather);
            var size = sizes[random.Next(sizes.Length)];
            var at = new Iova(window + (((ulong)random.NextInt64((long)span) & ~(size - 1)) % span));
            if (random.Next(4) == 0)
                table.Unmap(at, size, ref gather, out _);
            else
                table.Map(at, output(size), size, rights[random.Next(rights.Length)], ref gather);
        }
    }
}
