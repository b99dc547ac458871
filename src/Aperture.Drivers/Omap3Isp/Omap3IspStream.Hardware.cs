using Aperture.Core;
using Aperture.Datasheets.Omap3Isp;
using Aperture.Devices;

namespace Aperture.Drivers.Omap3Isp;

/// <summary>The registers and the interrupt.</summary>
public sealed partial class Omap3IspStream
{
    private const Omap3IspInterrupts Used = Omap3IspInterrupts.Vd0 | Omap3IspInterrupts.Overflow | Omap3IspInterrupts.BusError;

    private readonly RegisterRegion _registers;

    internal InterruptResult OnInterrupt()
    {
        if (!_awake || !IsStreaming)
            return InterruptResult.None; // the MMU shares the line, and we may have no power
        var pending = (Omap3IspInterrupts)_registers.Read32(Omap3IspRegisters.Irq0Status) & Used;
        if (pending == 0)
            return InterruptResult.None;
        _registers.Write32(Omap3IspRegisters.Irq0Status, (uint)pending);
        if ((pending & (Omap3IspInterrupts.Overflow | Omap3IspInterrupts.BusError)) != 0)
        {
            _registers.Write32(Omap3IspRegisters.SblPcr, Omap3IspRegisters.SblCcdcOverflow);
            _frameStatus = Status.IoError;
        }

        if ((pending & Omap3IspInterrupts.Vd0) != 0)
            FinishFrame();
        return InterruptResult.Handled;
    }

    /// <summary>Everything that the ISP needs to go on with the current buffer, from reset values.</summary>
    private void Program()
    {
        Quieten();
        _registers.Write32(Omap3IspRegisters.SysConfig, Omap3IspRegisters.SmartStandby);
        _registers.Write32(Omap3IspRegisters.Control, Omap3IspControl.CcdcClock | Omap3IspControl.CcdcRam | Omap3IspControl.WriteBufferRam);
        _registers.Write32(CcdcRegisters.SynMode, CcdcSynMode.WriteEnable | CcdcSynMode.SyncEnable | CcdcSynMode.DataSize10
            | (_format.IsPacked ? CcdcSynMode.Pack8 : 0));
        _registers.Write32(CcdcRegisters.HorizontalInfo, CcdcRegisters.Pair(0, _format.Width - 1));
        _registers.Write32(CcdcRegisters.VerticalStart, CcdcRegisters.Pair(0, 0));
        _registers.Write32(CcdcRegisters.VerticalLines, CcdcRegisters.Pair(0, _format.Height - 1));
        _registers.Write32(CcdcRegisters.LineOffset, (uint)_format.Stride);
        _registers.Write32(CcdcRegisters.VdInterrupt, CcdcRegisters.Pair(_format.Height - 1, 0x7FFF));
        PointAt(_current);
        _registers.Write32(Omap3IspRegisters.Irq0Enable, (uint)Used);
        _registers.Write32(CcdcRegisters.Pcr, CcdcRegisters.PcrEnable);
    }

    /// <summary>Stops the ISP at once, in the middle of a frame if need be: clearing ENABLE would only keep it from taking the next
    /// one.</summary>
    private void Quieten()
    {
        _registers.Write32(Omap3IspRegisters.SysConfig, Omap3IspRegisters.SoftReset);
        for (var polls = 0; (_registers.Read32(Omap3IspRegisters.SysStatus) & Omap3IspRegisters.ResetDone) == 0; polls++)
        {
            if (polls == 1000)
                throw new ApertureException(Status.TimedOut, $"{_device.Name} does not come out of reset");
        }
    }

    private void PointAt(int buffer) => _registers.Write32(CcdcRegisters.MemoryAddress, (uint)_buffers[buffer].Address.Value);

    private void FinishFrame()
    {
        var sequence = Sequence++;
        var status = _frameStatus;
        _frameStatus = Status.Ok;
        if (status != Status.Ok)
            Errors++;
        if (!_queue.TryDequeue(out var next))
        {
            Overruns++;
            return;
        }

        var done = _current;
        _current = next;
        PointAt(next);
        _delivered[done] = true;
        var frame = new Omap3IspFrame(sequence, done, status, _buffers[done].Memory, _format);
        if (FrameDone is { } handler)
            handler(frame);
        else
            Queue(done);
    }
}
