using System.Runtime.InteropServices;
using Aperture.Core.Memory;

namespace Aperture.Core.Tests.Memory;

public sealed unsafe class ForeignMemoryTests : IDisposable
{
    private const int Size = 3 * PhysicalMemory.PageSize;

    private readonly byte* _bytes = (byte*)NativeMemory.AlignedAlloc(Size, PhysicalMemory.PageSize);

    public ForeignMemoryTests() => new Span<byte>(_bytes, Size).Clear();

    public void Dispose() => NativeMemory.AlignedFree(_bytes);

    [Fact]
    public void Foreign_bytes_are_the_machines_RAM_until_they_are_removed()
    {
        using var memory = PhysicalMemory.Empty();
        Assert.False(memory.IsDisposed);
        Assert.False(memory.Contains(new(0x4000_0000), 1));
        memory.AddForeign(new(new(0x4000_0000), Size), _bytes, isReadOnly: false);
        memory.DramSpan(new(0x4000_1000), 4).Fill(0x5A);
        Assert.Equal(0x5A, _bytes[0x1003]);
        Assert.False(memory.Contains(new(0x4000_0000), Size + 1));
        Assert.False(memory.TryGetFrame(new(0x4000_0000), 4096, out _, out _));
        Assert.False(memory.RemoveForeign(new(new(0x4000_0000), PhysicalMemory.PageSize)));
        Assert.True(memory.RemoveForeign(new(new(0x4000_0000), Size)));
        Assert.False(memory.RemoveForeign(new(new(0x4000_0000), Size)));
        Assert.False(memory.Contains(new(0x4000_1000), 4));
        Assert.Empty(memory.Regions);
        Assert.False(memory.IsDisposed);
    }

    [Fact]
    public void Read_only_bytes_are_not_written()
    {
        using var memory = PhysicalMemory.Empty();
        memory.AddForeign(new(new(0), Size), _bytes, isReadOnly: true);
        Assert.True(memory.TryGetDramPointer(new(8), 8, out _));
        Assert.False(memory.TryGetWritableDramPointer(new(8), 8, out _));
        memory.AddForeign(new(new(Size), Size), _bytes, isReadOnly: false);
        Assert.True(memory.TryGetWritableDramPointer(new(Size + 8), 8, out var pointer));
        Assert.True(pointer == _bytes + 8);
    }

    [Fact]
    public void What_cannot_be_RAM_is_refused()
    {
        using var memory = PhysicalMemory.Empty();
        memory.AddForeign(new(new(0x1000), 0x2000), _bytes, isReadOnly: false);
        foreach (var (start, length, status) in new (ulong, ulong, Status)[]
        {
            (0x2000, 0x1000, Status.AlreadyExists), (0, ulong.MaxValue & ~4095UL, Status.AlreadyExists),
            (0x4000, 0, Status.InvalidArgument),
            (0x4001, 0x1000, Status.InvalidArgument), (0x4000, 0x1001, Status.InvalidArgument),
            (ulong.MaxValue & ~4095UL, 0x2000, Status.InvalidArgument), (0x10_0000, PhysicalMemory.MaxBytes, Status.InvalidArgument),
        })
        {
            var error = Assert.Throws<ApertureException>(() => memory.AddForeign(new(new(start), length), _bytes, false));
            Assert.Equal(status, error.Status);
        }

        Assert.Equal([new MemoryRange(new(0x1000), 0x2000)], memory.Regions);
        memory.Dispose();
        Assert.Throws<ObjectDisposedException>(() => memory.AddForeign(new(new(0x1000), 0x1000), _bytes, false));
    }

    [Fact]
    public void RAM_of_our_own_is_not_removed_and_has_foreign_neighbours()
    {
        using var memory = new PhysicalMemory(new MemoryRange(new(0), 0x10000));
        Assert.False(memory.RemoveForeign(new(new(0), 0x10000)));
        memory.AddForeign(new(new(0x10000), Size), _bytes, isReadOnly: false);
        Assert.False(memory.Contains(new(0xFFFC), 8)); // two banks
        Assert.True(memory.Contains(new(0x10000), Size));
    }

    [Fact]
    public void Caches_know_their_own_memory_only()
    {
        using var memory = new PhysicalMemory(new CpuCacheOptions(), new MemoryRange(new(0), 0x10000));
        Assert.Equal(Status.NotSupported,
            Assert.Throws<ApertureException>(() => memory.AddForeign(new(new(0x10000), Size), _bytes, false)).Status);
    }

    [Fact]
    public void Threads_that_add_and_remove_lose_nothing()
    {
        using var memory = PhysicalMemory.Empty();
        Parallel.For(0, 8, thread =>
        {
            for (var i = 0; i < 200; i++)
            {
                var range = new MemoryRange(new((ulong)thread << 20), PhysicalMemory.PageSize);
                memory.AddForeign(range, _bytes, isReadOnly: false);
                Assert.True(memory.Contains(range.Start, range.Length));
                Assert.True(memory.RemoveForeign(range));
            }
        });
        Assert.Empty(memory.Regions);
    }
}
