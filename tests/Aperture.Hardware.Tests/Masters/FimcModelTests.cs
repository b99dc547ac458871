using System.Buffers.Binary;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Fimc;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Masters;

public sealed class FimcModelTests : IDisposable
{
    private const ulong Ram = 0x4000_0000;

    private readonly PhysicalMemory _memory = new(new MemoryRange(new PhysicalAddress(Ram), 1 << 16));
    private Fimc _fimc; // at once, unless a test gives it a pace

    public FimcModelTests()
    {
        _fimc = new Fimc(new DmaPort(new SystemBus(_memory)));
        for (var i = 0; i < 16; i++)
            BinaryPrimitives.WriteUInt32LittleEndian(_memory.Span(new PhysicalAddress(Ram + ((ulong)i * 4)), 4), (uint)i * 0x010203);
    }

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void Offsets_and_pitches_choose_a_part_of_the_picture()
    {
        Program(2, 2);
        Write(FimcRegisters.SourceYOffset, FimcRegisters.Pair(1, 2)); // of 4 x 4
        Write(FimcRegisters.TargetSize, FimcRegisters.Pair(4, 8));
        Write(FimcRegisters.TargetYOffset, FimcRegisters.Pair(1, 1));
        Start();
        Assert.Equal(6 * 0x010203u, Pixel(8 + 1));
        Assert.Equal(7 * 0x010203u, Pixel(8 + 2));
        Assert.Equal(10 * 0x010203u, Pixel(16 + 1));
        Assert.Equal(0u, Pixel(8));
        Assert.Equal(0u, Pixel(8 + 3));
    }

    [Fact]
    public void The_end_of_a_frame_raises_the_interrupt_until_it_is_cleared()
    {
        Program(4, 4);
        Write(FimcRegisters.GlobalControl, FimcGlobalControl.IrqEnable);
        Start();
        Assert.True(_fimc.Interrupt.IsAsserted);
        Assert.Equal(FimcStatus.FrameEnd | FimcStatus.CaptureEnabled, Read(FimcRegisters.Status));
        Assert.False(new FimcMemoryControl(Read(FimcRegisters.MemoryControl)).IsEnabled);
        Write(FimcRegisters.GlobalControl, FimcGlobalControl.IrqEnable | FimcGlobalControl.IrqClear);
        Assert.False(_fimc.Interrupt.IsAsserted);
        Write(FimcRegisters.Status, 0);
        Assert.Equal(FimcStatus.CaptureEnabled, Read(FimcRegisters.Status));
    }

    [Fact]
    public void Without_its_enables_nothing_starts()
    {
        Program(4, 4);
        Write(FimcRegisters.ImageCapture, 0);
        Start();
        Assert.Equal((0u, 0u), (Pixel(5), Read(FimcRegisters.Status)));
    }

    [Theory]
    [InlineData(FimcRegisters.TargetFormat, 0u)]
    [InlineData(FimcRegisters.RealSourceSize, 0u)]
    [InlineData(FimcRegisters.SourceY, 0x10u)]
    public void What_cannot_be_done_hangs_until_a_software_reset(uint register, uint value)
    {
        Program(4, 4);
        Write(register, value);
        Start();
        Assert.True(new FimcMemoryControl(Read(FimcRegisters.MemoryControl)).IsEnabled);
        Assert.Equal(FimcStatus.CaptureEnabled, Read(FimcRegisters.Status));
        Program(4, 4);
        Start();
        Assert.Equal(0u, Pixel(5));
        Write(FimcRegisters.GlobalControl, FimcGlobalControl.SoftwareReset);
        Program(4, 4);
        Start();
        Assert.Equal(5 * 0x010203u, Pixel(5));
    }

    /// <summary>Two lines of sixteen bytes to a slice.</summary>
    [Fact]
    public void In_slices_lines_come_one_after_the_other_and_the_frame_ends_with_the_last()
    {
        var time = Slice();
        Write(FimcRegisters.GlobalControl, FimcGlobalControl.IrqEnable);
        Program(4, 4);
        Start();
        Assert.True(new FimcMemoryControl(Read(FimcRegisters.MemoryControl)).IsEnabled);
        Assert.False(_fimc.Interrupt.IsAsserted);
        Assert.Equal((7 * 0x010203u, 0u), (Pixel(7), Pixel(8)));
        Start(); // busy: not taken
        Assert.True(time.Step());
        Assert.Equal(15 * 0x010203u, Pixel(15));
        Assert.False(new FimcMemoryControl(Read(FimcRegisters.MemoryControl)).IsEnabled);
        Assert.True(_fimc.Interrupt.IsAsserted);
        Assert.False(time.Step());
    }

    [Fact]
    public void A_software_reset_between_slices_ends_the_frame()
    {
        var time = Slice();
        Program(4, 4);
        Start();
        Write(FimcRegisters.GlobalControl, FimcGlobalControl.SoftwareReset);
        Assert.False(time.Step());
        Assert.Equal((7 * 0x010203u, 0u), (Pixel(7), Pixel(8)));
        Program(4, 4);
        Start();
        Assert.True(time.Step());
        Assert.Equal(15 * 0x010203u, Pixel(15));
    }

    [Fact]
    public void Without_power_it_does_not_answer()
    {
        Program(4, 4);
        _fimc.SetPower(false);
        Assert.False(_fimc.TryRead(FimcRegisters.Status, 4, out _));
        _fimc.SetPower(true);
        Assert.Equal(0u, Read(FimcRegisters.TargetY));
        Assert.Equal(0u, Read(0xFFC));
        Assert.False(_fimc.TryWrite(FimcRegisters.TargetY, 8, 0));
    }

    private void Program(int width, int height)
    {
        Write(FimcRegisters.SourceY, (uint)Ram);
        Write(FimcRegisters.SourceSize, FimcRegisters.Pair(4, 4));
        Write(FimcRegisters.RealSourceSize, FimcRegisters.Pair(height, width));
        Write(FimcRegisters.TargetY, (uint)Ram + 0x1000);
        Write(FimcRegisters.TargetSize, FimcRegisters.Pair(height, width));
        Write(FimcRegisters.TargetFormat, FimcTargetFormat.ForRgb(width, height, false, false).Value);
        Write(FimcRegisters.ScalerControl, FimcScalerControl.For(0, 0, FimcRgbFormat.Rgb888, FimcRgbFormat.Rgb888).Value
            | FimcScalerControl.Bypass);
        Write(FimcRegisters.ImageCapture, FimcRegisters.CaptureEnable);
    }

    private SteppedTime Slice()
    {
        var time = new SteppedTime();
        _fimc = new Fimc(new DmaPort(new SystemBus(_memory))) { Pace = new MasterPace(time, 32, TimeSpan.FromMicroseconds(1)) };
        return time;
    }

    private void Start() =>
        Write(FimcRegisters.MemoryControl, FimcMemoryControl.FromMemory | FimcMemoryControl.Rgb | FimcMemoryControl.Enable);

    private uint Pixel(int index) =>
        BinaryPrimitives.ReadUInt32LittleEndian(_memory.Span(new PhysicalAddress(Ram + 0x1000 + ((ulong)index * 4)), 4));

    private uint Read(uint offset)
    {
        Assert.True(_fimc.TryRead(offset, 4, out var value));
        return (uint)value;
    }

    private void Write(uint offset, uint value) => Assert.True(_fimc.TryWrite(offset, 4, value));
}
