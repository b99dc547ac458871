using System.Buffers.Binary;
using Aperture.Core;
using Aperture.Datasheets.Omap3Isp;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Masters;

/// <summary>The way of a line from the sensor to memory.</summary>
public sealed partial class Omap3IspCapture
{
    private bool _capturing; // the current frame is being taken
    private int _line;       // the line that comes next, counted from the vertical sync
    private Iova _target;    // SDR_ADDR as it was at the vertical sync

    /// <inheritdoc/>
    public void FrameStart()
    {
        if (!Answers || !IspControl.IsCcdcClocked)
            return;
        _capturing = _enabled;
        _line = 0;
        _target = new Iova(Kept(CcdcRegisters.MemoryAddress) & ~(CcdcRegisters.MemoryAlignment - 1));
        if (IspControl.DetectsVerticalSync)
            Raise(Omap3IspInterrupts.Sync);
    }

    /// <inheritdoc/>
    public void Line(ReadOnlySpan<ushort> samples)
    {
        if (!Answers || !_capturing)
            return;
        var line = _line++;
        var row = line - CcdcRegisters.High(Kept(CcdcRegisters.VerticalStart));
        if (row >= 0 && row <= CcdcRegisters.Low(Kept(CcdcRegisters.VerticalLines)))
            Store(samples, row);
        if (!_capturing)
            return; // reset below us, by a fault handler
        var interrupts = Kept(CcdcRegisters.VdInterrupt);
        if (line == CcdcRegisters.High(interrupts))
            Raise(Omap3IspInterrupts.Vd0);
        if (_capturing && line == CcdcRegisters.Low(interrupts))
            Raise(Omap3IspInterrupts.Vd1);
    }

    /// <inheritdoc/>
    public void FrameEnd() => _capturing = false;

    private void Store(ReadOnlySpan<ushort> samples, int row)
    {
        var mode = new CcdcSynMode(Kept(CcdcRegisters.SynMode));
        if (!mode.WritesMemory)
            return;
        var horizontal = Kept(CcdcRegisters.HorizontalInfo);
        var first = Math.Min(CcdcRegisters.High(horizontal), samples.Length);
        samples = samples.Slice(first, Math.Min(CcdcRegisters.Low(horizontal) + 1, samples.Length - first));
        var offset = Kept(CcdcRegisters.LineOffset) & 0xFFFF & ~(CcdcRegisters.MemoryAlignment - 1);
        switch (_port.Write(_target + ((ulong)row * offset), Pack(samples, mode), out _))
        {
            case DmaStatus.Ok:
                break;
            case DmaStatus.Stalled when _capturing:
                _sblPcr |= Omap3IspRegisters.SblCcdcOverflow; // the sensor does not wait: the line is lost
                Raise(Omap3IspInterrupts.Overflow);
                break;
            case DmaStatus.Refused or DmaStatus.BusError when _capturing:
                Raise(Omap3IspInterrupts.BusError);
                break;
        }
    }

    private ReadOnlySpan<byte> Pack(ReadOnlySpan<ushort> samples, CcdcSynMode mode)
    {
        var mask = (1 << mode.SampleBits) - 1;
        if (mode.IsPacked)
        {
            var shift = mode.SampleBits - 8;
            for (var i = 0; i < samples.Length; i++)
                _bytes[i] = (byte)((samples[i] & mask) >> shift);
            return _bytes.AsSpan(0, samples.Length);
        }

        for (var i = 0; i < samples.Length; i++)
            BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(i * 2), (ushort)(samples[i] & mask));
        return _bytes.AsSpan(0, samples.Length * 2);
    }
}
