using System.Runtime.InteropServices;
using Aperture.Core.Memory;
using Aperture.Hardware.Bus;

namespace Aperture.Hardware.Tests.Bus;

public sealed unsafe class ReadOnlyMemoryTests
{
    [Fact]
    public void A_device_reads_read_only_memory_and_does_not_write_it()
    {
        const int size = PhysicalMemory.PageSize;
        var bytes = (byte*)NativeMemory.AlignedAlloc(size, size);
        try
        {
            new Span<byte>(bytes, size).Fill(0x11);
            using var memory = PhysicalMemory.Empty();
            memory.AddForeign(new(new(0x1000), size), bytes, isReadOnly: true);
            var bus = new SystemBus(memory);
            Assert.True(bus.TryRead32(new(0x1000), out var word));
            Assert.Equal(0x1111_1111u, word);
            Assert.False(bus.TryWrite(new(0x1000), [1, 2, 3, 4]));
            Assert.False(bus.TryCompareExchange32(new(0x1000), word, 0, out _));
            Assert.False(bus.TryCompareExchange64(new(0x1000), 0x1111_1111_1111_1111, 0, out _));
            Assert.Equal(-1, new ReadOnlySpan<byte>(bytes, size).IndexOfAnyExcept((byte)0x11));
        }
        finally
        {
            NativeMemory.AlignedFree(bytes);
        }
    }
}
