using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Bus;

public sealed class SystemBusTests : IDisposable
{
    private const ulong Ram = 0x8000_0000;
    private const ulong Bytes = 1 << 20;

    private readonly PhysicalMemory _memory = new(new MemoryRange(new PhysicalAddress(Ram), Bytes));
    private readonly SystemBus _bus;

    public SystemBusTests() => _bus = new SystemBus(_memory);

    public void Dispose() => _memory.Dispose();

    /// <summary>A5: two banks that meet were an edge at which an access of a device was a bus error.</summary>
    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void An_access_over_the_joint_of_two_banks_works(bool hasCaches, bool isCoherent)
    {
        using var memory = new PhysicalMemory(
            hasCaches ? new CpuCacheOptions() : null,
            new MemoryRange(new(Ram), Bytes), new MemoryRange(new(Ram + Bytes), Bytes));
        var port = new DmaPort(new SystemBus(memory)) { IsCoherent = isCoherent };
        var written = new byte[16];
        new Random(5).NextBytes(written);
        var read = new byte[16];
        Assert.Equal(DmaStatus.Ok, port.Write(new Iova(Ram + Bytes - 8), written, out var count));
        Assert.Equal(16, count);
        Assert.Equal(DmaStatus.Ok, port.Read(new Iova(Ram + Bytes - 8), read, out count));
        Assert.Equal(16, count);
        Assert.Equal(written, read);
        Assert.Equal(written, memory.DramSpan(new(Ram + Bytes - 8), 16).ToArray());
        if (isCoherent)
            Assert.Equal(written, memory.Span(new(Ram + Bytes - 8), 16).ToArray());
    }

    [Theory]
    [InlineData(0x1000, 0x100, 0x10F0, 0x100)] // runs into the one behind
    [InlineData(0x1000, 0x100, 0x0F01, 0x100)] // runs into it from before
    [InlineData(0x1000, 0x100, 0x1000, 0x100)] // the same
    [InlineData(0x1000, 0x100, 0x1010, 0x10)]  // inside
    [InlineData(0x1000, 0x100, 0x0800, 0x1000)] // around
    [InlineData(0x1000, 0x100, 0x10FF, 1)]     // its last byte
    [InlineData(0x1000, 0x1000, 0x1F00, 0x10)] // far behind its start
    public void Registers_that_overlap_others_are_refused(ulong there, uint size, ulong at, uint length)
    {
        // Blocks on both sides, so that the one in the way is not the only neighbour.
        _bus.Attach(new(0x10), new Registers(0x10));
        _bus.Attach(new(0x1_0000), new Registers(0x10));
        _bus.Attach(new(there), new Registers(size));
        var error = Assert.Throws<ApertureException>(() => _bus.Attach(new(at), new Registers(length)));
        Assert.Equal(Status.AlreadyExists, error.Status);
        Assert.False(_bus.TryFindDevice(new(at < there ? at : there + size), out _, out _));
    }

    [Theory]
    [InlineData(Ram, 0x100u)]
    [InlineData(Ram - 0xFF, 0x100u)]
    [InlineData(Ram + Bytes - 1, 0x100u)]
    [InlineData(Ram - 0x10_0000, 0x7000_0000u)]
    public void Registers_that_overlap_RAM_are_refused(ulong at, uint length) =>
        Assert.Equal(Status.AlreadyExists, Assert.Throws<ApertureException>(() => _bus.Attach(new(at), new Registers(length))).Status);

    [Fact]
    public void Neighbours_may_touch()
    {
        var (first, second, third) = (new Registers(0x100), new Registers(0x100), new Registers(0x100));
        _bus.Attach(new(0x1200), third);
        _bus.Attach(new(0x1000), first);
        _bus.Attach(new(0x1100), second);
        _bus.Attach(new(Ram - 0x100), new Registers(0x100));
        _bus.Attach(new(Ram + Bytes), new Registers(0x100));
        Assert.True(_bus.TryFindDevice(new(0x10FF), out var found, out var offset));
        Assert.Equal((first, 0xFFu), (found, offset));
        Assert.True(_bus.TryFindDevice(new(0x1100), out found, out offset));
        Assert.Equal((second, 0u), (found, offset));
        Assert.True(_bus.TryFindDevice(new(0x12FF), out found, out offset));
        Assert.Equal((third, 0xFFu), (found, offset));
        Assert.False(_bus.TryFindDevice(new(0xFFF), out _, out _));
        Assert.False(_bus.TryFindDevice(new(0x1300), out _, out _));
    }

    [Fact]
    public void The_end_of_the_address_space_is_an_end()
    {
        _bus.Attach(new(0xFFFF_FFFF_FFFF_FF00), new Registers(0x100));
        Assert.True(_bus.TryFindDevice(new(ulong.MaxValue), out _, out var offset));
        Assert.Equal(0xFFu, offset);
        Assert.False(_bus.TryFindDevice(default, out _, out _));
        Assert.False(_bus.TryReadRegister(new(ulong.MaxValue - 2), 4, out _));
        var error = Assert.Throws<ApertureException>(() => new SystemBus(_memory).Attach(new(0xFFFF_FFFF_FFFF_FF00), new Registers(0x101)));
        Assert.Equal(Status.BadAddress, error.Status);
        Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(() => _bus.Attach(default, new Registers(0))).Status);

        // An access that would run past the end finds nothing, wherever RAM lies.
        Assert.False(_bus.TryRead(new(ulong.MaxValue - 3), new byte[8]));
        Assert.False(_bus.TryWrite(new(ulong.MaxValue - 3), new byte[8]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void A_register_access_has_one_of_four_widths_and_is_aligned(int width)
    {
        var registers = new Registers(0x40);
        _bus.Attach(new(0x1000), registers);
        Assert.True(_bus.TryWriteRegister(new(0x1000 + (ulong)width), width, 0x8877_6655_4433_2211));
        Assert.Equal(((uint)width, width), registers.Last);
        Assert.True(_bus.TryReadRegister(new(0x1000 + (ulong)width), width, out var value));
        Assert.Equal(0x8877_6655_4433_2211 & (ulong.MaxValue >> (64 - (8 * width))), value);
        var bytes = new byte[width];
        Assert.True(_bus.TryRead(new(0x1000 + (ulong)width), bytes));
        Assert.Equal(0x11, bytes[0]);
        Assert.Equal(0x11 * width, bytes[^1]);
        for (var odd = 1; odd < width; odd++)
        {
            Assert.False(_bus.TryReadRegister(new(0x1000 + (ulong)odd), width, out _));
            Assert.False(_bus.TryWrite(new(0x1000 + (ulong)odd), new byte[width]));
        }

        foreach (var wrong in (int[])[0, 3, 5, 6, 7, 9, 16])
        {
            Assert.False(_bus.TryReadRegister(new(0x1000), wrong, out _));
            Assert.False(_bus.TryWriteRegister(new(0x1000), wrong, 0));
            Assert.False(_bus.TryRead(new(0x1000), new byte[wrong]));
            Assert.False(_bus.TryWrite(new(0x1000), new byte[wrong]));
        }
    }

    [Fact]
    public void What_a_block_refuses_is_a_bus_error_and_leaves_the_buffer()
    {
        var registers = new Registers(0x40) { Refuses = true };
        _bus.Attach(new(0x1000), registers);
        var bytes = new byte[] { 1, 2, 3, 4 };
        Assert.False(_bus.TryRead(new(0x1000), bytes));
        Assert.Equal([1, 2, 3, 4], bytes);
        Assert.False(_bus.TryWrite(new(0x1000), bytes));
        Assert.False(_bus.TryRead32(new(0x1000), out _));
        Assert.False(_bus.TryRead64(new(0x1000), out _));
    }

    [Fact]
    public void A_block_that_left_does_not_answer_and_its_place_is_free()
    {
        var (first, second) = (new Registers(0x100), new Registers(0x100));
        _bus.Attach(new(0x1000), first);
        _bus.Attach(new(0x2000), second);
        _bus.Detach(first);
        _bus.Detach(first);
        Assert.False(_bus.TryReadRegister(new(0x1000), 4, out _));
        Assert.True(_bus.TryReadRegister(new(0x2000), 4, out _));
        _bus.Attach(new(0xF80), new Registers(0x100));
        Assert.True(_bus.TryReadRegister(new(0x1000), 4, out _));
    }

    [Fact]
    public void Words_of_tables_are_read_from_RAM_and_from_no_block()
    {
        _bus.Attach(new(0x1000), new Registers(0x40) { Value = 0x8877_6655_4433_2211 });
        _memory.Span(new(Ram + 8), 8).Fill(0x42);
        Assert.True(_bus.TryRead32(new(Ram + 8), out var word));
        Assert.Equal(0x4242_4242u, word);
        Assert.True(_bus.TryRead64(new(Ram + 8), out var wide));
        Assert.Equal(0x4242_4242_4242_4242u, wide);
        Assert.False(_bus.TryRead32(new(0x1004), out _));
        Assert.False(_bus.TryRead64(new(0x1008), out _));
        Assert.False(_bus.TryRead32(new(Ram + Bytes), out _));
        Assert.False(_bus.TryRead64(new(Ram + Bytes - 4), out _));
    }

    /// <summary>Registers that hold one value and know which access came last.</summary>
    private sealed class Registers(uint size) : IMmioDevice
    {
        public uint Size => size;

        public ulong Value { get; set; }

        public bool Refuses { get; init; }

        public (uint Offset, int Width) Last { get; private set; }

        public bool TryRead(uint offset, int width, out ulong value)
        {
            Last = (offset, width);
            value = Value & (ulong.MaxValue >> (64 - (8 * width)));
            return !Refuses;
        }

        public bool TryWrite(uint offset, int width, ulong value)
        {
            Last = (offset, width);
            Value = value;
            return !Refuses;
        }
    }
}
