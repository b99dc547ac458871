using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Omap3Isp;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Masters;

public sealed class Omap3IspCaptureTests : IDisposable
{
    private const ulong Ram = 0x8000_0000;
    private const int Width = 16;
    private const int Height = 8;

    private readonly PhysicalMemory _memory = new(new MemoryRange(new PhysicalAddress(Ram), 1 << 16));
    private readonly Omap3IspCapture _isp;
    private readonly SensorModel _sensor;

    public Omap3IspCaptureTests()
    {
        _isp = new Omap3IspCapture(new DmaPort(new SystemBus(_memory)));
        _sensor = new SensorModel(_isp, Width, Height);
        Program();
    }

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void Takes_the_window_that_the_registers_name()
    {
        Write(CcdcRegisters.HorizontalInfo, CcdcRegisters.Pair(4, 5));
        Write(CcdcRegisters.VerticalStart, CcdcRegisters.Pair(2, 0));
        Write(CcdcRegisters.VerticalLines, CcdcRegisters.Pair(0, 2));
        _sensor.SendFrame();
        var bytes = _memory.Span(new PhysicalAddress(Ram), 4 * 32);
        for (var row = 0; row < 4; row++)
        {
            for (var x = 0; x < 32; x++)
            {
                var expected = row < 3 && x < 6 ? Sample(x + 4, row + 2) : 0;
                Assert.Equal(expected, bytes[(row * 32) + x]);
            }
        }
    }

    [Fact]
    public void Address_and_enable_are_taken_at_the_vertical_sync()
    {
        _sensor.Tick();
        Write(CcdcRegisters.MemoryAddress, (uint)Ram + 0x1000);
        Write(CcdcRegisters.Pcr, 0);
        Assert.Equal(CcdcRegisters.PcrBusy, Read(CcdcRegisters.Pcr));
        _sensor.SendFrame();
        Assert.Equal(0u, Read(CcdcRegisters.Pcr));
        Assert.NotEqual(-1, _memory.Span(new PhysicalAddress(Ram + (7 * 32)), 16).IndexOfAnyExcept((byte)0));
        Assert.Equal(-1, _memory.Span(new PhysicalAddress(Ram + 0x1000), 256).IndexOfAnyExcept((byte)0));
        Write(CcdcRegisters.Pcr, CcdcRegisters.PcrEnable);
        _sensor.SendFrame();
        Assert.NotEqual(-1, _memory.Span(new PhysicalAddress(Ram + 0x1000), 256).IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void Interrupts_come_at_their_lines_and_are_cleared_by_ones()
    {
        Write(Omap3IspRegisters.Control, Omap3IspControl.CcdcClock | Omap3IspControl.SyncDetectVerticalRising);
        Write(CcdcRegisters.VdInterrupt, CcdcRegisters.Pair(Height - 1, 1));
        Write(Omap3IspRegisters.Irq0Enable, (uint)Omap3IspInterrupts.Vd1);
        _sensor.Tick();
        Assert.Equal((uint)Omap3IspInterrupts.Sync, Read(Omap3IspRegisters.Irq0Status));
        Assert.False(_isp.Interrupt.IsAsserted);
        _sensor.Tick();
        Assert.True(_isp.Interrupt.IsAsserted);
        Write(Omap3IspRegisters.Irq0Status, (uint)Omap3IspInterrupts.Vd1);
        Assert.False(_isp.Interrupt.IsAsserted);
        _sensor.SendFrame();
        Assert.Equal((uint)(Omap3IspInterrupts.Vd0 | Omap3IspInterrupts.Sync), Read(Omap3IspRegisters.Irq0Status));
    }

    [Fact]
    public void Soft_reset_ends_everything_at_once()
    {
        Write(Omap3IspRegisters.Irq0Enable, uint.MaxValue);
        _sensor.Tick();
        _memory.Span(new PhysicalAddress(Ram), 1 << 16).Clear();
        Write(Omap3IspRegisters.SysConfig, Omap3IspRegisters.SoftReset);
        Assert.Equal(Omap3IspRegisters.ResetDone, Read(Omap3IspRegisters.SysStatus));
        _sensor.SendFrame();
        Assert.Equal(-1, _memory.Span(new PhysicalAddress(Ram), 1 << 16).IndexOfAnyExcept((byte)0));
        Assert.Equal((0u, 0u), (Read(CcdcRegisters.Pcr), Read(CcdcRegisters.HorizontalInfo)));
    }

    [Fact]
    public void Unknown_registers_read_zero_and_without_power_nothing_answers()
    {
        Write(0x200, 5);
        Assert.Equal(0u, Read(0x200));
        Assert.False(_isp.TryRead(Omap3IspRegisters.Revision, 2, out _));
        Assert.True(_isp.Receivers.TryRead(0, 4, out _));
        _isp.SetPower(false);
        Assert.False(_isp.TryRead(Omap3IspRegisters.Revision, 4, out _));
        Assert.False(_isp.TryWrite(Omap3IspRegisters.Control, 4, 1));
        Assert.False(_isp.Receivers.TryRead(0, 4, out _));
        _sensor.SendFrame();
        Assert.Throws<ApertureException>(() => new SensorModel(_isp, 15, 8));
    }

    private byte Sample(int x, int y)
    {
        var colour = _sensor.ColourAt(0, x, y);
        return (byte)(((x ^ y) & 1) == 0 ? colour >> 8 : (y & 1) == 0 ? colour >> 16 : colour);
    }

    private void Program()
    {
        Write(Omap3IspRegisters.Control, Omap3IspControl.CcdcClock);
        Write(CcdcRegisters.SynMode, CcdcSynMode.WriteEnable | CcdcSynMode.DataSize10 | CcdcSynMode.Pack8);
        Write(CcdcRegisters.HorizontalInfo, CcdcRegisters.Pair(0, Width - 1));
        Write(CcdcRegisters.VerticalLines, CcdcRegisters.Pair(0, Height - 1));
        Write(CcdcRegisters.LineOffset, 32);
        Write(CcdcRegisters.MemoryAddress, (uint)Ram);
        Write(CcdcRegisters.VdInterrupt, CcdcRegisters.Pair(0x7FFF, 0x7FFF));
        Write(CcdcRegisters.Pcr, CcdcRegisters.PcrEnable);
    }

    private uint Read(uint offset)
    {
        Assert.True(_isp.TryRead(offset, 4, out var value));
        return (uint)value;
    }

    private void Write(uint offset, uint value) => Assert.True(_isp.TryWrite(offset, 4, value));
}
