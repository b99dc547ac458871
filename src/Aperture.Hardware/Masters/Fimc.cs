using Aperture.Core;
using Aperture.Datasheets.Fimc;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Masters;

/// <summary>FIMC of Exynos 4, memory to memory: reads a picture, scales and converts it, writes another
/// (docs/units/fimc.md). The camera side is not there.</summary>
/// <remarks>A frame is worked through within the register write that starts it; with a <see cref="MasterDevice.Pace"/> line by line of the
/// target, in slices of what is written. An access to memory that fails leaves the
/// block busy until a software reset, as a block that waits for an answer: it has no register to tell.</remarks>
public sealed partial class Fimc : MasterDevice
{
    private readonly DmaPort _port;
    private readonly uint[] _kept = new uint[(FimcRegisters.Last / 4) + 1]; // what was written to the registers
    private bool _busy;       // a frame is under way, or hangs
    private FimcJob _job;     // the frame: what the registers said when it started
    private int _line;        // lines of the target that are done
    private uint _frame;      // grows with each frame and reset
    private uint _workingOn;  // the frame of the innermost slice on the stack
    private bool _irqPending; // a frame has ended and IRQ_CLR was not written

    /// <summary>A FIMC.</summary>
    /// <param name="port">Its port to memory, through its SysMMU.</param>
    public Fimc(DmaPort port)
    {
        ArgumentNullException.ThrowIfNull(port);
        _port = port;
    }

    /// <inheritdoc/>
    public override uint Size => FimcRegisters.Size;

    /// <summary>How the last access to memory ended, for whoever watches the model; no register tells.</summary>
    public DmaStatus LastAccess { get; private set; }

    /// <summary>Where the last access that failed did; no register tells.</summary>
    public Iova LastFailure { get; private set; }

    /// <inheritdoc/>
    public override bool TryRead(uint offset, int width, out ulong value)
    {
        value = 0;
        if (!Answers || width != 4 || offset % 4 != 0 || offset >= Size)
            return false;
        if (offset <= FimcRegisters.Last)
            value = Kept(offset);
        if (offset == FimcRegisters.Status && (Kept(FimcRegisters.ImageCapture) & FimcRegisters.CaptureEnable) != 0)
            value |= FimcStatus.CaptureEnabled;
        return true;
    }

    /// <inheritdoc/>
    public override bool TryWrite(uint offset, int width, ulong value)
    {
        if (!Answers || width != 4 || offset % 4 != 0 || offset >= Size)
            return false;
        if (offset <= FimcRegisters.Last)
            Write(offset, (uint)value);
        return true;
    }

    /// <inheritdoc/>
    protected override void Reset()
    {
        Array.Clear(_kept);
        _busy = _irqPending = false;
        _frame++;
        CancelSlices();
        UpdateInterrupt();
    }

    private uint Kept(uint offset) => _kept[offset / 4];

    private void Write(uint offset, uint value)
    {
        switch (offset)
        {
            case FimcRegisters.GlobalControl:
                if ((value & FimcGlobalControl.SoftwareReset) != 0)
                    Reset();
                if ((value & FimcGlobalControl.IrqClear) != 0)
                    _irqPending = false;
                _kept[offset / 4] = value & ~FimcGlobalControl.IrqClear;
                UpdateInterrupt();
                break;
            case FimcRegisters.Status:
                _kept[offset / 4] &= value | ~FimcStatus.FrameEnd;
                break;
            case FimcRegisters.MemoryControl when _busy:
                break;
            case FimcRegisters.MemoryControl:
                _kept[offset / 4] = value;
                if (CanStart(new FimcMemoryControl(value)))
                    Run();
                break;
            default:
                _kept[offset / 4] = value;
                break;
        }
    }

    private bool CanStart(FimcMemoryControl control)
    {
        var scaler = new FimcScalerControl(Kept(FimcRegisters.ScalerControl));
        return control.IsEnabled && control.IsFromMemory && (scaler.IsStarted || scaler.IsBypass)
            && (Kept(FimcRegisters.ImageCapture) & FimcRegisters.CaptureEnable) == FimcRegisters.CaptureEnable;
    }

    private void Run()
    {
        _busy = true;
        _job = new FimcJob(_kept);
        _frame++;
        _line = 0;
        _evenLine = _oddLine = -1;
        if (_job.IsSupported)
            GoOn();
    }

    /// <inheritdoc/>
    protected override void GoOn()
    {
        var below = _workingOn;
        _workingOn = _frame;
        BeginSlice();
        var job = _job;
        var isDone = Work(job) && !IsPaused;
        _workingOn = below;
        if (!isDone)
            return;
        _busy = false;
        _kept[FimcRegisters.MemoryControl / 4] &= ~FimcMemoryControl.Enable;
        _kept[FimcRegisters.Status / 4] |= FimcStatus.FrameEnd;
        _irqPending = true;
        UpdateInterrupt();
    }

    private void UpdateInterrupt() =>
        Interrupt.Set(_irqPending && (Kept(FimcRegisters.GlobalControl) & FimcGlobalControl.IrqEnable) != 0);
}
