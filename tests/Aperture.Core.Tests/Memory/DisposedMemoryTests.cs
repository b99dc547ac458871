using Aperture.Core.Memory;
using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;

namespace Aperture.Core.Tests.Memory;

/// <summary>A21: RAM was unmapped under whoever still used it. A late access ended the process, or reached whatever the host had put
/// there.</summary>
public sealed unsafe class DisposedMemoryTests
{
    private static readonly PhysicalAddress s_start = new(0x8000_0000);

    [Fact]
    public void Asking_for_bytes_is_an_exception_and_there_is_no_RAM()
    {
        var memory = New();
        memory.Dispose();
        memory.Dispose();
        Assert.True(memory.IsDisposed);
        Assert.Empty(memory.Regions);
        Assert.False(memory.Contains(s_start, 1));
        Assert.False(memory.TryGetPointer(s_start, 1, out _));
        Assert.False(memory.TryGetDramPointer(s_start, 1, out _));
        Assert.False(memory.TryGetFrame(s_start, 1, out _, out _));
        Assert.Throws<ObjectDisposedException>(() => memory.Span(s_start, 1).Length);
        Assert.Throws<ObjectDisposedException>(() => memory.DramSpan(s_start, 1).Length);
        Assert.Throws<ObjectDisposedException>(() => memory.Cache!.Clean(s_start, 1));
        Assert.Throws<ObjectDisposedException>(() => memory.Cache!.WriteCoherent(s_start, [1]));
        Assert.Throws<ObjectDisposedException>(() => memory.Cache!.MakeUncached(new MemoryRange(s_start, 4096)));
    }

    [Fact]
    public void Tables_in_it_refuse_every_change() => Refuses(new OmapFormat());

    [Fact]
    public void Deep_tables_in_it_refuse_every_change() => Refuses(new ArmLpaeFormat(new()));

    [Fact]
    public void Tables_that_grow_refuse_every_change() => Refuses(new AmdV1Format(3));

    [Fact]
    public void Nobody_gets_its_addresses_while_somebody_has_it()
    {
        var memory = New();
        Assert.True(memory.TryGetPointer(s_start, 1, out var mine));
        memory.Dispose();
        for (var i = 0; i < 20; i++)
        {
            using var other = New();
            Assert.True(other.TryGetPointer(s_start, 1 << 20, out var its));
            Assert.True(its + (1 << 20) <= mine || mine + (1 << 20) <= its);
        }

        GC.KeepAlive(memory);
    }

    [Fact]
    public void The_host_gets_its_memory_back()
    {
        // More than a host has, if it kept any: 200 times a gigabyte that was touched here and there.
        var touched = 0;
        for (var i = 0; i < 200; i++)
        {
            using var memory = new PhysicalMemory(new MemoryRange(s_start, 1 << 30));
            for (ulong at = 0; at < 1 << 30; at += 4 << 20)
                memory.Span(s_start + at, 1)[0] = 1;
            touched += memory.Span(s_start + ((1 << 30) - (4 << 20)), 1)[0];
        }

        Assert.Equal(200, touched);
    }

    /// <summary>More reservations than a process can have mappings, if each stayed.</summary>
    [Fact]
    public void Address_space_that_nobody_refers_to_goes_back()
    {
        for (var i = 0; i < 40_000; i++)
        {
            var memory = new PhysicalMemory(new MemoryRange(s_start, 1 << 20));
            Assert.True(memory.TryGetPointer(s_start, 1, out _));
            memory.Dispose();
        }
    }

    private static PhysicalMemory New() => new(new CpuCacheOptions(), new MemoryRange(s_start, 1 << 20));

    private static void Refuses<TFormat>(TFormat format)
        where TFormat : struct, IPageTableFormat
    {
        var memory = new PhysicalMemory(new MemoryRange(s_start, 8 << 20));
        var tables = new TableAllocator(new PageAllocator(memory));
        var table = new PageTable<TFormat>(format, tables);
        var gather = default(InvalidationGather);
        var at = new Iova(0x1000_0000);
        Assert.Equal(Status.Ok, table.Map(at, new(0x4000_0000), 4096, Protection.ReadWrite, ref gather));
        memory.Dispose();
        Assert.Throws<ObjectDisposedException>(() => Map(at, 4096));
        Assert.Throws<ObjectDisposedException>(() => Map(at + 0x1000, 4096));
        Assert.Throws<ObjectDisposedException>(() => Map(at + 0x10_0000, 1 << 20));
        Assert.Throws<ObjectDisposedException>(() => Unmap(at, 4096));
        Assert.Throws<ObjectDisposedException>(() => Unmap(at, 1 << 20));
        Assert.Throws<ObjectDisposedException>(() => new PageTable<TFormat>(format, tables));
#if DEBUG
        Assert.Throws<ObjectDisposedException>(() => table.TryTranslate(at, out _));
        Assert.Throws<ObjectDisposedException>(() => table.EnumerateMappings().Count());
        Assert.Throws<ObjectDisposedException>(() => table.CountTables());
#endif
        Assert.False(Finds());
        table.Dispose();
        table.Dispose();

        void Map(Iova iova, ulong size) => table.Map(iova, new(0x4000_0000), size, Protection.ReadWrite, ref gather);

        bool Finds()
        {
            try
            {
                return table.TryTranslate(at, out _) || table.EnumerateMappings().Any();
            }
            catch (ObjectDisposedException)
            {
                return false;
            }
        }

        void Unmap(Iova iova, ulong size) => table.Unmap(iova, size, ref gather, out _);
    }
}
